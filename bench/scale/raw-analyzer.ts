/**
 * Analyzers without the SDK, thousands of them in one process: plain HTTP/2 streams that say hello, grant credit, send
 * heartbeats, and answer every delivery with success at once. What they cost must not drown what they cost the node.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { HelloSchema, WorkRequestSchema, WorkResponseSchema } from "@sluice/client/contract";
import { FrameReader, framed } from "./grpc-frames.ts";

/** The analyzers of one run. */
export interface RawAnalyzersOptions {
  readonly address: string;
  readonly queue: string;
  readonly count: number;
  /** Streams that share one connection. */
  readonly perConnection: number;
  /** Tasks in hand of each. */
  readonly credit: number;
  /** A task was delivered. */
  readonly onDelivery: () => void;
}

/** Connected at a time: a listen queue is not endless. */
const CONNECTING = 100;
const PATH = "/sluice.v1.DistributorService/Work";
const HEARTBEAT = framed(toBinary(WorkRequestSchema, create(WorkRequestSchema, { heartbeat: {} })));

/** Many analyzers that are attached. */
export class RawAnalyzers implements AsyncDisposable {
  readonly #sessions: ClientHttp2Session[] = [];
  readonly #streams: RawStream[] = [];

  /** Resolves when all are welcome. */
  static async attach(options: RawAnalyzersOptions): Promise<RawAnalyzers> {
    const analyzers = new RawAnalyzers();
    try {
      for (let first = 0; first < options.count; first += CONNECTING) {
        const last = Math.min(options.count, first + CONNECTING);
        const opening = Array.from({ length: last - first }, (_, i) => analyzers.#open(first + i, options));
        await Promise.all(opening.map((stream) => stream.welcome));
      }
      return analyzers;
    } catch (error) {
      await analyzers[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Those whose stream has not ended. */
  get attached(): number {
    return this.#streams.filter((stream) => stream.isOpen).length;
  }

  get connections(): number {
    return this.#sessions.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream.close();
    await Promise.all(this.#sessions.map((session) => new Promise<void>((resolve) => session.close(() => resolve()))));
  }

  #open(index: number, options: RawAnalyzersOptions): RawStream {
    if (index % options.perConnection === 0) {
      const session = connect(`http://${options.address}`);
      // What breaks is told by the streams.
      session.on("error", () => {});
      this.#sessions.push(session);
    }
    const session = this.#sessions.at(-1);
    if (session === undefined) throw new Error("no connection was made");
    const stream = new RawStream(session, index, options);
    this.#streams.push(stream);
    return stream;
  }
}

class RawStream {
  /** Rejects when the stream ends before. */
  readonly welcome: Promise<void>;
  readonly #stream: ClientHttp2Stream;
  readonly #onDelivery: () => void;
  readonly #reader = new FrameReader();
  #heartbeat: NodeJS.Timeout | undefined;
  #isWelcome = (): void => {};

  constructor(session: ClientHttp2Session, index: number, { queue, credit, onDelivery }: RawAnalyzersOptions) {
    this.#onDelivery = onDelivery;
    this.#stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: PATH,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
      [constants.HTTP2_HEADER_TE]: "trailers",
    });
    this.welcome = new Promise((resolve, reject) => {
      this.#isWelcome = resolve;
      this.#stream.once("trailers", (trailers) => reject(new Error(`analyzer ${index}: ${trailers["grpc-message"]}`)));
      this.#stream.once("error", reject);
    });
    this.#stream.once("close", () => clearInterval(this.#heartbeat));
    this.#stream.on("data", (part) => {
      for (const message of this.#reader.push(part)) this.#received(message);
    });
    const hello = create(HelloSchema, {
      analyzerId: `raw-${index}`,
      queues: [{ queue, weight: 1 }],
      weight: 1,
      maxInFlight: credit,
    });
    this.#stream.write(framed(toBinary(WorkRequestSchema, create(WorkRequestSchema, { hello, credit }))));
  }

  get isOpen(): boolean {
    return !this.#stream.closed;
  }

  /** Half-close: nothing is held, so the node forgets it at once. */
  close(): void {
    this.#stream.end();
  }

  #received(message: Uint8Array): void {
    const { welcome, deliveries } = fromBinary(WorkResponseSchema, message);
    if (welcome !== undefined) {
      // Analyzers that were connected one after the other are out of step already.
      this.#heartbeat = setInterval(() => this.#stream.write(HEARTBEAT), welcome.heartbeatMs);
      this.#isWelcome();
    }
    if (deliveries.length === 0) return;
    const results = deliveries.map(({ lease }) => ({ lease, outcome: { case: "success", value: {} } as const }));
    const answer = create(WorkRequestSchema, { results, credit: deliveries.length });
    this.#stream.write(framed(toBinary(WorkRequestSchema, answer)));
    for (let count = deliveries.length; count > 0; count--) this.#onDelivery();
  }
}
