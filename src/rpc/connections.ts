/**
 * The sockets of a node: listens, counts, closes.
 *
 * The listener is ours and not grpc-js's own for three things that only the owner of the sockets can do: bound their number,
 * close the connection of a peer that does not read, and close all of them in the end, whatever is still open (grpc-js
 * forgets its connections when channelz is off).
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

/** The sockets. */
export class Connections {
  readonly #server: NetServer;
  readonly #taker: SocketTaker;
  readonly #logger: RpcLogger;
  readonly #sockets = new Set<Socket>();
  #isFull = false;

  /** @param server listens; one without listeners for its connections */
  constructor(
    taker: SocketTaker,
    maxConnections: number,
    logger: RpcLogger,
    server: NetServer = createServer({ noDelay: true }),
  ) {
    this.#taker = taker;
    this.#logger = logger;
    this.#server = server;
    this.#server.on("connection", (socket) => this.#accept(socket));
    this.#server.maxConnections = maxConnections;
    this.#server.on("drop", () => this.#dropped(maxConnections));
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
    for (const socket of this.#sockets) if (nameOf(socket) === peer) socket.destroy();
  }

  /** Takes no more connections, lets calls in flight end for up to `graceMs`, then closes all. Idempotent. */
  async close(graceMs: number): Promise<void> {
    if (this.#server.listening) this.#server.close();
    this.#taker.drain(graceMs);
    await this.#whenClosed(graceMs);
    for (const socket of this.#sockets) socket.destroy();
    this.#taker.destroy();
    await this.#whenClosed(undefined);
  }

  #accept(socket: Socket): void {
    this.#isFull = false;
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#taker.injectConnection(socket);
  }

  #dropped(maxConnections: number): void {
    if (this.#isFull) return;
    this.#isFull = true;
    this.#logger.warn(
      { event: "connection.refused", maxConnections },
      "connections are refused: raise maxConnections or close some",
    );
  }

  /** Resolves once no socket is open, or after a while. */
  #whenClosed(timeoutMs: number | undefined): Promise<void> {
    const closed = [...this.#sockets].map(
      (socket) => new Promise<void>((resolve) => socket.once("close", () => resolve())),
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
