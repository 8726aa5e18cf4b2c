/**
 * One stream of one analyzer: what arrives is handed to the engine, what leaves is collected and sent in frames.
 *
 * Invariants:
 *  V1  Nothing is sent before the welcome, and nothing is taken after the stream has ended.
 *  V2  Its window counts as in flight exactly its leases that are live and not answered.
 *  V3  While the socket takes no more, things wait in the outbox, which is bounded.
 *  V4  It knows how much was chosen for it and is being claimed, as far as the size of tasks can be told before.
 */
import { CreditWindow } from "../core/credit.ts";
import { SluiceError } from "../core/errors.ts";
import type { AnalyzerRecord } from "./analyzer.ts";
import type { AnalyzerFrame, NodeFrame, Session, SessionPort, Welcome } from "./frames.ts";
import { Outbox } from "./outbox.ts";
import { MAX_FRAME_BYTES, MAX_OUTBOX_ITEMS } from "./settings.ts";

/** What a session tells the engine. */
export interface SessionEvents {
  received(session: LiveSession, frame: AnalyzerFrame): void;
  becameWritable(session: LiveSession): void;
  finished(session: LiveSession): void;
  broken(session: LiveSession): void;
  /** The stream has ended, whoever ended it. Called once, before `broken`. */
  over(session: LiveSession): void;
}

/** One stream. */
export class LiveSession implements Session {
  readonly id: string;
  readonly outbox = new Outbox();
  readonly #port: SessionPort;
  readonly #events: SessionEvents;
  /** Credit and leases; what the welcome says of it holds from then on. */
  window = new CreditWindow(1);
  /** Whose it is, from its hello on. */
  analyzer: AnalyzerRecord | undefined;
  /** Frames that came while the hello was being answered; undefined once it is. */
  opening: AnalyzerFrame[] | undefined;
  /** The analyzer has ended its side: ours ends when no receipt is due any more. */
  isFinishing = false;
  /** Receipts that wait for their commit. */
  receiptsDue = 0;
  /** Bytes of the results that wait for it. */
  resultBytes = 0;
  /** On the lease clock: since when it was seen not to read; undefined while it reads. */
  unreadSinceMs: number | undefined;
  /** Of tasks that were chosen for it and are being claimed. */
  #claimingBytes = 0;
  #isOver = false;
  #isWritable = true;

  constructor(id: string, port: SessionPort, events: SessionEvents) {
    this.id = id;
    this.#port = port;
    this.#events = events;
  }

  get peer(): string {
    return this.#port.peer;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The socket takes more, and nothing older waits. */
  get isWritable(): boolean {
    return !this.#isOver && this.#isWritable && this.outbox.isEmpty;
  }

  /** The socket takes no more. */
  get isUnread(): boolean {
    return !this.#isOver && !this.#isWritable;
  }

  /** Enough was chosen for it that has not been claimed yet. */
  get isSated(): boolean {
    return this.#claimingBytes >= MAX_FRAME_BYTES;
  }

  /** A task of about this size was chosen for it; a negative size: it was claimed, or will not come. */
  claiming(bytes: number): void {
    this.#claimingBytes += bytes;
  }

  receive(frame: AnalyzerFrame): void {
    if (!this.#isOver) this.#events.received(this, frame);
  }

  writable(): void {
    if (this.#isOver) return;
    this.#isWritable = true;
    this.unreadSinceMs = undefined;
    this.flush();
    this.#events.becameWritable(this);
  }

  finished(): void {
    if (!this.#isOver && !this.isFinishing) this.#events.finished(this);
  }

  broken(): void {
    if (this.#isOver) return;
    this.#close();
    this.#events.broken(this);
  }

  /** Answers the hello. */
  welcome(welcome: Welcome): void {
    const frame: NodeFrame = { welcome, deliveries: [], accepted: [], stale: [], cancels: [] };
    this.#isWritable = this.#port.send(frame);
  }

  /** Sends what waits, as far as the socket takes it. */
  flush(): void {
    if (this.opening !== undefined) return;
    while (!this.#isOver && this.#isWritable && !this.outbox.isEmpty) {
      this.#isWritable = this.#port.send(this.outbox.take());
    }
    if (this.isFinishing && this.receiptsDue === 0 && this.outbox.isEmpty) this.end();
    if (this.outbox.size > MAX_OUTBOX_ITEMS) {
      this.refuse(
        new SluiceError(
          "RESOURCE_EXHAUSTED",
          `${this.outbox.size} receipts wait to be read: read the stream as you write it`,
        ),
      );
    }
  }

  /** Ends the stream in good order. */
  end(): void {
    if (this.#isOver) return;
    this.#close();
    this.#port.end();
  }

  /** Ends the stream with an error without telling the engine, which knows. */
  cut(error: SluiceError): void {
    if (this.#isOver) return;
    this.#close();
    this.#port.end(error);
  }

  /** Ends the stream with an error: for the leases it is a broken one. */
  refuse(error: SluiceError): void {
    if (this.#isOver) return;
    this.cut(error);
    this.#events.broken(this);
  }

  #close(): void {
    this.#isOver = true;
    this.#events.over(this);
  }
}
