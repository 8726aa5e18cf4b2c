/**
 * Calls on node:http2: well-formed frames with any bytes in them, any headers, and the status as it comes.
 */
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from "node:http2";
import { status } from "@grpc/grpc-js";

/** What a call sends. */
export interface CallInput {
  readonly path: string;
  readonly body: Uint8Array;
  readonly headers?: OutgoingHttpHeaders;
}

/** A connection that calls. */
export class GrpcPeer implements Disposable {
  readonly session: ClientHttp2Session;
  readonly #gone = new AbortController();

  constructor(port: number) {
    this.session = connect(`http://127.0.0.1:${port}`);
    this.session.on("error", () => {});
    this.session.once("close", () => this.#gone.abort());
  }

  /** Aborts when the connection has ended. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Opens a call. */
  open({ path, headers = {} }: Omit<CallInput, "body">): ClientHttp2Stream {
    const stream = this.session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    stream.on("error", () => {});
    return stream;
  }

  /** Makes a call. Resolves with the name of its status, or how its stream or connection ended instead. */
  async call(input: CallInput): Promise<string> {
    if (this.session.destroyed || this.session.closed) return "closed";
    const stream = this.open(input);
    const ended = statusOf(stream);
    stream.end(input.body);
    return await ended;
  }

  /** Resolves when the connection is usable. */
  async ready(): Promise<void> {
    if (this.session.connecting) await once(this.session, "connect");
  }

  [Symbol.dispose](): void {
    this.session.destroy();
  }
}

/** The name of the status that a call ends with, or how else it ended. */
export function statusOf(stream: ClientHttp2Stream): Promise<string> {
  return new Promise((resolve) => {
    let found: string | undefined;
    const look = (headers: Readonly<Record<string, unknown>>): void => {
      const code = headers["grpc-status"];
      if (code !== undefined) found ??= status[Number(code)] ?? `status ${String(code)}`;
      else if (headers[":status"] !== undefined && headers[":status"] !== 200) found ??= `HTTP ${headers[":status"]}`;
    };
    stream.on("response", look);
    stream.on("trailers", look);
    stream.resume();
    // Without a status the call went down with its connection, or was reset alone.
    stream.once("close", () =>
      resolve(found ?? (stream.session?.destroyed === false ? `reset ${stream.rstCode}` : "closed")),
    );
  });
}
