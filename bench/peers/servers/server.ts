/** A server to measure, as the bench sees it. */

/** A running server. */
export interface PeerServer {
  /** What its adapter connects to. */
  readonly address: string;
  /** Version as the server's program tells it. */
  readonly version: string;
  /** Processor time that it and all its processes have used, in milliseconds; undefined where it cannot be told. */
  cpuMs(): number | undefined;
  /** Ends it. Idempotent. */
  stop(): Promise<void>;
}

/** Starts a server with its data in an empty folder. Rejects with NotInstalledError when its program is not there. */
export type StartServer = (folder: string) => Promise<PeerServer>;

/** A program that this machine does not have, or not in a version that can do it. */
export class NotInstalledError extends Error {
  override readonly name = "NotInstalledError";
}
