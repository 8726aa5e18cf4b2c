/**
 * Keeps single clients from costing the node more than their part: looks at every connection, and ends those that go too far.
 *
 * grpc-js has few limits of its own: none for pings, settings, resets, unread answers, or what unfinished requests hold.
 *
 * Invariants:
 *  G1  All connections together hold at most what the node allows, as of the last sweep: those that hold most go first.
 *  G2  One warning a second at most, however many connections are ended.
 */
import type { Http2Server, ServerHttp2Session } from "node:http2";
import { performance } from "node:perf_hooks";
import { heldLimits, type RpcLimits, SWEEP_MS } from "../limits.ts";
import type { RpcLogger } from "../status.ts";
import { type CutReason, type GuardEvents, GuardedConnection, type GuardSettings } from "./guarded-connection.ts";

/** What a guard is made of. */
export interface GuardParts {
  readonly limits: RpcLimits;
  readonly logger: RpcLogger;
  /** Paths of calls that may be open without a message. */
  readonly silentPaths: ReadonlySet<string>;
  /** A connection has said what HTTP/2 asks for. */
  greeted(peer: string): void;
  /** Bytes that have arrived from this peer so far. */
  bytesRead(peer: string): number;
}

/** The guard of a node. */
export class Guard implements Disposable {
  readonly #parts: GuardParts;
  readonly #settings: GuardSettings;
  readonly #events: GuardEvents;
  readonly #maxNodeHeldBytes: number;
  /** Oldest first. */
  readonly #connections = new Set<GuardedConnection>();
  readonly #timer: NodeJS.Timeout;
  #receivedBytes = 0;
  /** Of calls that have ended, since the last sweep and since the one before. */
  #leftBehindBytes: [recent: number, earlier: number] = [0, 0];
  #cuts = 0;
  #lastCut: { readonly peer: string; readonly reason: CutReason } | undefined;

  constructor(parts: GuardParts) {
    this.#parts = parts;
    const { ofConnection, ofNode } = heldLimits(parts.limits);
    this.#maxNodeHeldBytes = ofNode;
    this.#settings = {
      maxMessageBytes: parts.limits.maxMessageBytes,
      maxHeldBytes: ofConnection,
      mayBeSilent: (path) => parts.silentPaths.has(path),
      nowMs: () => performance.now(),
      bytesRead: (peer) => parts.bytesRead(peer),
    };
    this.#events = {
      greeted: ({ peer }) => parts.greeted(peer),
      held: (bytes) => this.#held(bytes),
      leftBehind: (bytes) => {
        this.#receivedBytes += bytes;
        this.#leftBehindBytes[0] += bytes;
      },
      cut: ({ peer }, reason) => {
        this.#cuts += 1;
        this.#lastCut = { peer, reason };
      },
    };
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#timer.unref();
  }

  /** Looks at every connection of this server from now on. Call after grpc-js has taken its events. */
  watch(server: Http2Server): void {
    server.on("session", (session) => this.#add(session));
  }

  /** Closes the connection that has been there longest without a call now. False: all have calls. */
  closeIdle(): boolean {
    for (const connection of this.#connections) {
      if (!connection.isIdle) continue;
      this.#connections.delete(connection);
      connection.close();
      return true;
    }
    return false;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #add(session: ServerHttp2Session): void {
    const connection = new GuardedConnection(session, this.#settings, this.#events);
    this.#connections.add(connection);
    session.once("close", () => this.#connections.delete(connection));
  }

  #held(bytes: number): void {
    this.#receivedBytes += bytes;
    if (bytes > 0 && this.#receivedBytes > this.#maxNodeHeldBytes) this.#cutLargest();
  }

  #sweep(): void {
    const nowMs = performance.now();
    const [recent, earlier] = this.#leftBehindBytes;
    this.#receivedBytes -= earlier;
    this.#leftBehindBytes = [0, recent];
    let heldBytes = recent;
    for (const connection of this.#connections) heldBytes += connection.sweep(nowMs);
    while (heldBytes > this.#maxNodeHeldBytes) {
      const freedBytes = this.#cutLargest();
      if (freedBytes === 0) break;
      heldBytes -= freedBytes;
    }
    this.#report();
  }

  /** Ends the connection that holds most. Returns what that was. */
  #cutLargest(): number {
    let largest: GuardedConnection | undefined;
    let mostBytes = 0;
    for (const connection of this.#connections) {
      const { heldBytes } = connection;
      if (heldBytes <= mostBytes) continue;
      largest = connection;
      mostBytes = heldBytes;
    }
    if (largest === undefined) return 0;
    this.#connections.delete(largest);
    largest.cut("too much held in memory");
    return mostBytes;
  }

  #report(): void {
    if (this.#lastCut === undefined) return;
    this.#parts.logger.warn(
      { event: "connection.cut", connections: this.#cuts, ...this.#lastCut },
      `${this.#cuts} connections were ended for what they did; the last one: ${this.#lastCut.reason}`,
    );
    this.#cuts = 0;
    this.#lastCut = undefined;
  }
}
