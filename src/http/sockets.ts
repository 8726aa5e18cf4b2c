/**
 * HTTP/1.1 and HTTP/2 without TLS (prior knowledge, "h2c") on one port: the first bytes of a connection say which it is.
 */
import { createServer as createHttp1, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  createServer as createHttp2,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import type { Socket } from "node:net";
import type { SocketTaker } from "../rpc/connections.ts";
import { HEADERS_TIMEOUT_MS, MAX_HTTP2_STREAMS, REQUEST_TIMEOUT_MS } from "./limits.ts";

/** A request of either protocol. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;
/** Its answer. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** Every HTTP/2 connection begins with this (RFC 9113, 3.4). */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** No method of HTTP/1.1 begins with PRI. */
const DECISIVE_BYTES = 3;

/** Takes connections and gives requests. */
export class HttpSockets implements SocketTaker {
  /** Listens for both: it watches over the time that HTTP/1.1 requests take, which it does only while it listens. */
  readonly server: Server;
  readonly #http2: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #beginHttp1: (socket: Socket) => void;

  constructor(answer: (request: NodeRequest, response: NodeResponse) => void) {
    const timeouts = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS };
    this.server = createHttp1({ ...timeouts, connectionsCheckingInterval: HEADERS_TIMEOUT_MS / 10 }, answer);
    const begins = this.server.listeners("connection");
    this.server.removeAllListeners("connection");
    this.#beginHttp1 = (socket) => {
      for (const begin of begins) Reflect.apply(begin, this.server, [socket]);
    };
    this.#http2 = createHttp2({ settings: { maxConcurrentStreams: MAX_HTTP2_STREAMS } }, answer);
    this.#http2.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
    // A connection that breaks is no event of the node's life.
    this.#http2.on("sessionError", () => {});
  }

  injectConnection(socket: Socket): void {
    socket.setKeepAlive(true, REQUEST_TIMEOUT_MS);
    socket.on("error", () => {});
    const timer = setTimeout(() => socket.destroy(), HEADERS_TIMEOUT_MS);
    socket.once("close", () => clearTimeout(timer));
    const giveUp = (): void => {
      socket.destroy();
    };
    socket.once("end", giveUp);
    let seen = Buffer.alloc(0);
    const look = (): void => {
      const bytes: Buffer | null = socket.read();
      if (bytes === null) return;
      seen = Buffer.concat([seen, bytes]);
      const length = Math.min(seen.length, PREFACE.length);
      const isHttp2 = seen.subarray(0, length).equals(PREFACE.subarray(0, length));
      // So few bytes may still become either.
      if (isHttp2 && length < DECISIVE_BYTES) return;
      socket.off("readable", look);
      socket.off("end", giveUp);
      clearTimeout(timer);
      socket.unshift(seen);
      if (isHttp2) this.#beginHttp2(socket);
      else this.#beginHttp1(socket);
    };
    socket.on("readable", look);
  }

  #beginHttp2(socket: Socket): void {
    // A server of HTTP/1.1 takes half-closed connections and ends them itself; HTTP/2 leaves that to the socket.
    socket.allowHalfOpen = false;
    this.#http2.emit("connection", socket);
  }

  /** Ends connections as soon as nothing is under way on them. */
  drain(): void {
    this.server.closeIdleConnections();
    for (const session of this.#sessions) session.close();
  }

  destroy(): void {
    this.server.closeAllConnections();
    for (const session of this.#sessions) session.destroy();
  }
}
