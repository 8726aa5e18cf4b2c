/**
 * The sockets of a node: listens, counts, closes.
 *
 * The listener is ours and not grpc-js's own for what only the owner of the sockets can do: bound their number, close those
 * that say nothing, close the connection of a peer that does not read, and close all of them in the end, whatever is still
 * open (grpc-js forgets its connections when channelz is off).
 */
import { createServer, type Server as NetServer, type Socket } from "node:net";
import type { RpcLogger } from "./status.ts";

/** Where to listen. */
export interface Address {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Who speaks on the sockets, such as a server of grpc-js through its injector. */
export interface SocketTaker {
  /** Takes a new connection over. */
  injectConnection(socket: Socket): void;
  /** Ends connections once nothing is under way on them, for up to `graceMs`. */
  drain(graceMs: number): void;
  /** Ends what is left. */
  destroy(): void;
}

/** How connections are taken. */
export interface ConnectionOptions {
  /** Listens; one without listeners for its connections. Default: a new one. */
  readonly server?: NetServer;
  /** Closes a connection that is of no use, when there are as many as there may be. False: there is none. */
  readonly makeRoom?: () => boolean;
  /** Ends a connection that has not `greeted` after this long. Default: never, as who speaks on it watches that. */
  readonly handshakeTimeoutMs?: number;
}

/** The sockets. */
export class Connections {
  readonly #server: NetServer;
  readonly #taker: SocketTaker;
  readonly #logger: RpcLogger;
  readonly #maxConnections: number;
  /** By the name of their other side, with the timer of those that have not greeted. */
  readonly #sockets = new Map<string, { readonly socket: Socket; readonly timer: NodeJS.Timeout | undefined }>();
  readonly #options: ConnectionOptions;
  #isFull = false;

  constructor(taker: SocketTaker, maxConnections: number, logger: RpcLogger, options: ConnectionOptions = {}) {
    this.#taker = taker;
    this.#logger = logger;
    this.#maxConnections = maxConnections;
    this.#options = options;
    this.#server = options.server ?? createServer({ noDelay: true });
    this.#server.on("connection", (socket) => this.#accept(socket));
  }

  /** Begins to listen and returns the port. Rejects with what to do when the address cannot be used. */
  listen({ host, port }: Address): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error) => reject(explain(error, { host, port })));
      this.#server.listen({ host, port }, () => {
        this.#server.removeAllListeners("error");
        // Errors of single accepts, such as too many open files, are not the end.
        this.#server.on("error", (err) =>
          this.#logger.error({ event: "connection.failed", err }, "a connection could not be accepted"),
        );
        const address = this.#server.address();
        resolve(address !== null && typeof address === "object" ? address.port : port);
      });
    });
  }

  /** Closes the connection from this address at once. */
  cut(peer: string): void {
    this.#sockets.get(peer)?.socket.destroy();
  }

  /** The connection from this address has said what HTTP/2 asks for. */
  greeted(peer: string): void {
    clearTimeout(this.#sockets.get(peer)?.timer);
  }

  /** Bytes that have arrived from this address. */
  bytesRead(peer: string): number {
    return this.#sockets.get(peer)?.socket.bytesRead ?? 0;
  }

  /** Takes no more connections, lets calls in flight end for up to `graceMs`, then closes all. Idempotent. */
  async close(graceMs: number): Promise<void> {
    if (this.#server.listening) this.#server.close();
    this.#taker.drain(graceMs);
    await this.#whenClosed(graceMs);
    for (const { socket } of this.#sockets.values()) socket.destroy();
    this.#taker.destroy();
    await this.#whenClosed(undefined);
  }

  #accept(socket: Socket): void {
    if (this.#sockets.size >= this.#maxConnections && this.#options.makeRoom?.() !== true) {
      this.#refuse(socket);
      return;
    }
    this.#isFull = false;
    const name = nameOf(socket);
    const { handshakeTimeoutMs } = this.#options;
    const timer = handshakeTimeoutMs === undefined ? undefined : setTimeout(() => socket.destroy(), handshakeTimeoutMs);
    this.#sockets.set(name, { socket, timer });
    socket.once("close", () => {
      clearTimeout(timer);
      this.#sockets.delete(name);
    });
    this.#taker.injectConnection(socket);
  }

  #refuse(socket: Socket): void {
    socket.destroy();
    if (this.#isFull) return;
    this.#isFull = true;
    this.#logger.warn(
      { event: "connection.refused", maxConnections: this.#maxConnections },
      "connections are refused: raise maxConnections or close some",
    );
  }

  /** Resolves once no socket is open, or after a while. */
  #whenClosed(timeoutMs: number | undefined): Promise<void> {
    const closed = [...this.#sockets.values()].map(
      ({ socket }) => new Promise<void>((resolve) => socket.once("close", () => resolve())),
    );
    return timeoutMs === undefined ? Promise.all(closed).then(() => {}) : within(timeoutMs, Promise.all(closed));
  }
}

/** Resolves with the promise or after a while, whichever is first. */
export async function within(timeoutMs: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}

/** The peer of a socket, named as grpc-js names it. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

function explain(error: Error, { host, port }: Address): Error {
  const code = "code" in error ? error.code : undefined;
  const reasons = new Map<unknown, string>([
    ["EADDRINUSE", `port ${port} on ${host} is taken: stop the other program or choose another port`],
    ["EACCES", `no permission to listen on port ${port}: choose one above 1023`],
    ["EADDRNOTAVAIL", `${host} is no address of this machine: choose one that is, or 0.0.0.0 for all`],
    ["ENOTFOUND", `${host} is not known: choose an address of this machine, or 0.0.0.0 for all`],
  ]);
  const reason = reasons.get(code);
  return reason === undefined ? error : new Error(`${reason} (${String(code)})`, { cause: error });
}
