/**
 * The I/O of one session: opens the stream, says hello, writes what the lease book has to say once per event-loop turn,
 * sends heartbeats, and ends or cuts the stream. Decides nothing about leases or reconnects.
 *
 * Invariants:
 *  A1  `attached` comes before any other call to the listener except `ended`.
 *  A2  `ended` comes exactly once, and is the last call.
 *  A3  Nothing is written while the stream is not writable: results stay in the book, which grants no credit meanwhile.
 */
import { create } from "@bufbuild/protobuf";
import type { ClientDuplexStream, StatusObject } from "@grpc/grpc-js";
import { status as StatusCode } from "@grpc/grpc-js";
import type { Endpoint } from "../connection.ts";
import {
  DistributorService,
  HeartbeatSchema,
  type Hello,
  type Welcome,
  type WorkRequest,
  WorkRequestSchema,
  type WorkResponse,
} from "../contract.ts";
import { SluiceClientError } from "../errors.ts";
import { openBidiStream } from "../wire/call.ts";
import { fromStatus } from "../wire/status.ts";
import type { LeaseBook } from "./lease-book.ts";
import type { ProgressLog } from "./progress-log.ts";

/** Told what happens in a session. */
export interface SessionListener {
  attached(welcome: Welcome): void;
  /** Anything but the welcome. */
  received(frame: WorkResponse): void;
  /** Everything that the book had to say was written. */
  flushed(): void;
  /** It is over: with an error, or in good order. */
  ended(error: SluiceClientError | undefined): void;
}

type State =
  | { readonly name: "opening"; readonly timer: NodeJS.Timeout }
  | { readonly name: "attached"; readonly timer: NodeJS.Timeout }
  /** This side has ended; the node's end is awaited. */
  | { readonly name: "finishing"; readonly timer: NodeJS.Timeout }
  | { readonly name: "ended" };

/** A node that has not welcomed us by then is as good as away. */
const OPEN_TIMEOUT_MS = 10_000;
/** After our end of the stream nothing is at stake: do not wait long for the node's. */
const FINISH_TIMEOUT_MS = 2000;
/** Progress is sent at most this often, apart from heartbeats. */
const PROGRESS_INTERVAL_MS = 1000;

/** See the top of the file. */
export class AnalyzerSession {
  readonly #stream: ClientDuplexStream<WorkRequest, WorkResponse>;
  readonly #book: Pick<LeaseBook<unknown>, "nextFrame" | "hasUnconfirmedSince">;
  readonly #progress: ProgressLog;
  readonly #listener: SessionListener;
  #state: State;
  #writable = true;
  #flush: NodeJS.Immediate | undefined;
  #progressTimer: NodeJS.Timeout | undefined;

  constructor(
    endpoint: Endpoint,
    hello: Hello,
    book: Pick<LeaseBook<unknown>, "nextFrame" | "hasUnconfirmedSince">,
    progress: ProgressLog,
    listener: SessionListener,
  ) {
    this.#book = book;
    this.#progress = progress;
    this.#listener = listener;
    const late = new SluiceClientError("DEADLINE_EXCEEDED", `no welcome within ${OPEN_TIMEOUT_MS} ms`);
    this.#state = { name: "opening", timer: setTimeout(() => this.#end(late), OPEN_TIMEOUT_MS) };
    this.#stream = openBidiStream(endpoint.client, DistributorService.method.work);
    this.#stream.on("data", (frame: WorkResponse) => this.#received(frame));
    this.#stream.on("drain", () => this.#drained());
    // Every error comes as a status as well.
    this.#stream.on("error", () => {});
    this.#stream.on("status", (status: StatusObject) => this.#closed(status));
    this.#write(create(WorkRequestSchema, { hello }));
  }

  get isAttached(): boolean {
    return this.#state.name === "attached";
  }

  /** Writes what the book has to say at the end of this event-loop turn. */
  flushSoon(): void {
    this.#flush ??= setImmediate(() => {
      this.#flush = undefined;
      this.#flushNow();
    });
  }

  /** Sends progress reports soon. */
  progressSoon(): void {
    this.#progressTimer ??= setTimeout(() => {
      this.#progressTimer = undefined;
      this.#beat();
    }, PROGRESS_INTERVAL_MS);
  }

  /** Writes what is left, then ends this side; the node releases what is still held. Before the welcome: breaks off. */
  finish(): void {
    if (this.#state.name === "opening") this.#end(undefined);
    if (this.#state.name !== "attached") return;
    this.#writeFrames();
    this.#setState({ name: "finishing", timer: setTimeout(() => this.#end(undefined), FINISH_TIMEOUT_MS) });
    this.#stream.end();
  }

  #received(frame: WorkResponse): void {
    if (this.#state.name === "opening") {
      if (frame.welcome === undefined) {
        this.#end(new SluiceClientError("INTERNAL", "the node's first frame was no welcome"));
        return;
      }
      this.#attach(frame.welcome);
    }
    if (this.#state.name !== "attached") return;
    this.#listener.received(frame);
    this.flushSoon();
  }

  #attach(welcome: Welcome): void {
    const beat = setInterval(() => {
      const sinceMs = performance.now() - welcome.leaseMs;
      if (!this.#book.hasUnconfirmedSince(sinceMs)) this.#beat();
      // The stream looks alive but what we send goes nowhere: a new one is the way out.
      else this.#end(new SluiceClientError("UNAVAILABLE", `no receipt for a result within ${welcome.leaseMs} ms`));
    }, welcome.heartbeatMs);
    this.#setState({ name: "attached", timer: beat });
    this.#listener.attached(welcome);
  }

  #beat(): void {
    // Bytes that wait for the socket prove life as soon as any heartbeat behind them would.
    if (this.#state.name !== "attached" || !this.#writable) return;
    const heartbeat = create(HeartbeatSchema);
    heartbeat.progress = this.#progress.take();
    this.#write(create(WorkRequestSchema, { heartbeat }));
  }

  #flushNow(): void {
    if (this.#state.name === "attached" && this.#writeFrames()) this.#listener.flushed();
  }

  /** False: the stream takes no more for now. */
  #writeFrames(): boolean {
    while (this.#writable) {
      const frame = this.#book.nextFrame(performance.now());
      if (frame === undefined) return true;
      this.#write(frame);
    }
    return false;
  }

  #write(frame: WorkRequest): void {
    this.#writable = this.#stream.write(frame);
  }

  #drained(): void {
    this.#writable = true;
    this.#flushNow();
  }

  #closed(status: StatusObject): void {
    const finished = this.#state.name === "finishing" && status.code === StatusCode.OK;
    if (finished) this.#end(undefined);
    else if (status.code === StatusCode.OK)
      this.#end(new SluiceClientError("UNAVAILABLE", "the node ended the session"));
    else this.#end(fromStatus(status));
  }

  #end(error: SluiceClientError | undefined): void {
    if (this.#state.name === "ended") return;
    this.#setState({ name: "ended" });
    clearImmediate(this.#flush);
    clearTimeout(this.#progressTimer);
    this.#stream.cancel();
    this.#listener.ended(error);
  }

  #setState(state: State): void {
    if (this.#state.name !== "ended") clearTimeout(this.#state.timer);
    this.#state = state;
  }
}
