/**
 * One Work stream: the session of an analyzer between the wire and the engine.
 *
 * Invariants:
 *  K1  Once the stream has ended or broken, nothing is sent and what still arrives is dropped.
 *  K2  The engine hears of the end of a stream exactly once, unless it ended it itself.
 *  K3  A stream whose peer does not read is cut STREAM_END_GRACE_MS after its end.
 *  K4  A stream that broke is never taken for one whose analyzer ended its side: that would hand its leases back at once
 *      and uncharged, so a task that kills its analyzers would be repeated for ever.
 *
 * Reading goes on while the socket takes no more: an analyzer that writes before it reads would wait for us as we wait for
 * it, and its heartbeats would go unheard. What a frame can make grow is bounded by the engine (receipts) and by credit.
 */
import { SluiceError } from "../../core/errors.ts";
import type { Distributor } from "../../engine/api.ts";
import type { NodeFrame, Session, SessionPort } from "../../engine/frames.ts";
import type { DuplexStream } from "../grpc-methods.ts";
import { STREAM_END_GRACE_MS } from "../limits.ts";
import { type ErrorStatus, type RpcLogger, sluiceStatus, toStatus } from "../status.ts";
import { decodeWorkRequest } from "../wire/work-request.ts";
import { encodeWorkResponse } from "../wire/work-response.ts";
import type { OpenStreams } from "./open-streams.ts";
import { Sender, type UnsentBytes } from "./sender.ts";

/** What a stream needs of its server. */
export interface WorkParts {
  readonly distributor: Distributor;
  readonly logger: RpcLogger;
  readonly streams: OpenStreams;
  readonly maxOutputBytes: number;
  readonly unsent: UnsentBytes;
  /** Closes the connection from this address. */
  cut(peer: string): void;
}

/** A Work stream. */
export class WorkStream implements SessionPort {
  readonly peer: string;
  readonly #call: DuplexStream;
  readonly #parts: WorkParts;
  readonly #sender: Sender;
  readonly #gone: () => void;
  #session: Session | undefined;
  #isOver = false;
  #stuckTimer: NodeJS.Timeout | undefined;

  constructor(call: DuplexStream, parts: WorkParts) {
    this.peer = call.getPeer();
    this.#call = call;
    this.#parts = parts;
    this.#sender = new Sender(call, parts.unsent, () => {
      if (!this.#isOver) this.#session?.writable();
    });
    this.#gone = parts.streams.add(() => this.#stop());
    // Sent by grpc-js at every end of the call, a good one included.
    call.on("cancelled", () => this.#closed());
  }

  /** Begins the session. */
  start(): void {
    try {
      this.#session = this.#parts.distributor.attach(this);
    } catch (error) {
      this.#endWith(toStatus(error, this.#call.getPath(), this.#parts.logger));
    }
    this.#call.on("data", (bytes: Buffer) => this.#received(bytes));
    this.#call.on("end", () => this.#readToEnd());
  }

  send(frame: NodeFrame): boolean {
    return !this.#isOver && this.#sender.send(encodeWorkResponse(frame));
  }

  end(error?: SluiceError): void {
    if (!this.#isOver) this.#endWith(error === undefined ? undefined : sluiceStatus(error));
  }

  #endWith(error: ErrorStatus | undefined): void {
    this.#isOver = true;
    // That is how grpc-js takes a status for a stream; it listens to the event itself.
    if (error === undefined) this.#call.end();
    else this.#call.emit("error", error);
    this.#stuckTimer = setTimeout(() => this.#parts.cut(this.peer), STREAM_END_GRACE_MS);
    this.#stuckTimer.unref();
  }

  /** Nothing more comes. grpc-js says so of a stream that broke as well, and that it was cancelled just behind it. */
  #readToEnd(): void {
    setImmediate(() => {
      if (!this.#isOver) this.#session?.finished();
    });
  }

  #received(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#session?.receive(decodeWorkRequest(bytes, this.#parts.maxOutputBytes));
    } catch (error) {
      this.#endWith(toStatus(error, this.#call.getPath(), this.#parts.logger));
      this.#session?.broken();
    }
  }

  #stop(): void {
    if (this.#isOver) return;
    this.end(new SluiceError("UNAVAILABLE", "this node is stopping: connect to another, or again later"));
    this.#session?.broken();
  }

  #closed(): void {
    clearTimeout(this.#stuckTimer);
    this.#sender.close();
    this.#gone();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#session?.broken();
  }
}
