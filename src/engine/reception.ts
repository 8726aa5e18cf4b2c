/**
 * Applies the frames of analyzers, in the order of their fields.
 *
 * Invariants:
 *  R1  A frame that breaks the protocol ends its own stream and nothing else.
 *  R2  A result or release for a lease that is not live, or not this analyzer's, is answered stale and changes nothing.
 *  R3  Results that there is no room to hold until they are committed end the stream before any of their frame is applied.
 */
import { SluiceError } from "../core/errors.ts";
import { MAX_FRAME_ITEMS } from "../core/limits.ts";
import type { Outcome } from "../core/task.ts";
import type { AnalyzerRecord } from "./analyzer.ts";
import type { Attachment } from "./attachment.ts";
import { bytesOf, type Endings } from "./endings.ts";
import type { AnalyzerFrame, LeaseResult } from "./frames.ts";
import type { LiveSession } from "./live-session.ts";
import type { NodeState } from "./node-state.ts";
import { MAX_OPENING_FRAMES, MAX_SESSION_RESULT_BYTES, UNCOMMITTED_RETRY_MS } from "./settings.ts";

function outcomeOf(result: LeaseResult): Outcome {
  return result.kind === "success"
    ? { kind: "success", result: result.result }
    : { kind: "failure", error: result.error, nonRetryable: result.nonRetryable };
}

/** Bytes of the results in some frames. */
function sizeOf(frames: readonly AnalyzerFrame[]): number {
  let bytes = 0;
  for (const { results } of frames) for (const result of results) bytes += bytesOf(result);
  return bytes;
}

function tooManyResults(): SluiceError {
  return new SluiceError(
    "RESOURCE_EXHAUSTED",
    "results come faster than they can be written to disk: connect again with the leases, and send them again",
    UNCOMMITTED_RETRY_MS,
  );
}

/** The ear of the engine. */
export class Reception {
  readonly #node: NodeState;
  readonly #endings: Endings;
  readonly #attachment: Attachment;

  constructor(node: NodeState, endings: Endings, attachment: Attachment) {
    this.#node = node;
    this.#endings = endings;
    this.#attachment = attachment;
  }

  /** A frame arrived. */
  received(session: LiveSession, frame: AnalyzerFrame): void {
    try {
      this.#apply(session, frame);
    } catch (error) {
      if (!(error instanceof SluiceError)) {
        this.#node.fail(error);
        return;
      }
      this.#node.parts.log("warn", "analyzer.refused", {
        analyzer: session.analyzer?.id,
        peer: session.peer,
        code: error.code,
        reason: error.message,
      });
      session.refuse(error);
    }
  }

  /** The hello of a session was answered: applies what came meanwhile. */
  opened(session: LiveSession): void {
    const frames = session.opening ?? [];
    session.opening = undefined;
    for (const frame of frames) this.received(session, frame);
    if (session.isFinishing) this.#attachment.finished(session);
    else this.#node.touch(session);
  }

  #apply(session: LiveSession, frame: AnalyzerFrame): void {
    const { analyzer } = session;
    if (analyzer === undefined) {
      this.#open(session, frame);
      return;
    }
    if (frame.hello !== undefined) {
      throw new SluiceError("FAILED_PRECONDITION", "a second hello: open a new stream to say hello again");
    }
    if (session.opening !== undefined) {
      this.#keep(session.opening, frame);
      return;
    }
    analyzer.lastFrameMs = this.#node.leaseMs;
    this.#check(frame);
    this.#checkRoom(session, frame);
    this.#applyResults(session, analyzer, frame);
    if (frame.credit > 0) this.#grant(session, analyzer, frame.credit);
    this.#node.refresh(analyzer);
    this.#noteProgress(analyzer, frame);
  }

  #open(session: LiveSession, frame: AnalyzerFrame): void {
    if (frame.hello === undefined) {
      throw new SluiceError("FAILED_PRECONDITION", "the first frame has no hello: say hello first");
    }
    this.#check(frame);
    this.#attachment.hello(session, frame.hello);
    if (session.opening !== undefined) {
      const { results, releases, credit, progress } = frame;
      this.#keep(session.opening, { results, releases, credit, progress });
    }
  }

  #keep(opening: AnalyzerFrame[], frame: AnalyzerFrame): void {
    if (opening.length >= MAX_OPENING_FRAMES) {
      throw new SluiceError(
        "RESOURCE_EXHAUSTED",
        `more than ${MAX_OPENING_FRAMES} frames before the welcome: await it`,
      );
    }
    if (sizeOf([...opening, frame]) > MAX_SESSION_RESULT_BYTES) throw tooManyResults();
    opening.push(frame);
  }

  #check(frame: AnalyzerFrame): void {
    for (const [name, items] of [
      ["results", frame.results],
      ["releases", frame.releases],
      ["heartbeat.progress", frame.progress],
    ] as const) {
      if (items.length > MAX_FRAME_ITEMS) {
        throw new SluiceError(
          "INVALID_ARGUMENT",
          `${name} has ${items.length} items, more than ${MAX_FRAME_ITEMS}: use several frames`,
        );
      }
    }
  }

  /** Before any of it is applied: the analyzer keeps its leases, and sends all of them again. */
  #checkRoom(session: LiveSession, frame: AnalyzerFrame): void {
    const bytes = sizeOf([frame]);
    if (bytes > 0 && !this.#endings.hasRoom(session, bytes)) throw tooManyResults();
  }

  #applyResults(session: LiveSession, analyzer: AnalyzerRecord, frame: AnalyzerFrame): void {
    for (const result of frame.results) this.#answer(session, analyzer, result.lease, outcomeOf(result));
    for (const lease of frame.releases) this.#answer(session, analyzer, lease, { kind: "released" });
  }

  #answer(session: LiveSession, analyzer: AnalyzerRecord, number: number, outcome: Outcome): void {
    const lease = this.#node.leases.get(number);
    if (lease !== undefined && !lease.answered && lease.holder.analyzer === analyzer) {
      this.#endings.end(lease, outcome, session);
      return;
    }
    if (lease !== undefined) lease.holder.queue.totals.stale += 1;
    session.outbox.stale(number);
    this.#node.touch(session);
  }

  #grant(session: LiveSession, analyzer: AnalyzerRecord, credit: number): void {
    if (analyzer.state === "DRAINING") return;
    const { window } = session;
    if (!window.grant(credit)) {
      throw new SluiceError(
        "OUT_OF_RANGE",
        `credit ${credit} on top of ${window.credit} unused and ${window.inFlight} leases exceeds max_in_flight ` +
          `${window.max}: grant one credit per finished task`,
      );
    }
  }

  #noteProgress(analyzer: AnalyzerRecord, frame: AnalyzerFrame): void {
    for (const report of frame.progress) {
      const lease = this.#node.leases.get(report.lease);
      if (lease?.holder.analyzer === analyzer) lease.progress = report;
    }
  }
}
