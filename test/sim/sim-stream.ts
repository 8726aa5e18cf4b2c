/**
 * One stream between an analyzer and a node: a network that may be slow upwards, may not be read downwards, and may be cut
 * without the node noticing. It keeps its own account of what the node must make of every frame, and checks it.
 *
 * Invariants that it checks:
 *  X1  Deliveries never exceed the credit that the node has taken.
 *  X2  Every answer that the node took gets one receipt, unless the stream ends.
 *  X3  The node ends the stream exactly when, and with the code that, docs/protocol.md says.
 */
import type { ErrorCode, SluiceError } from "../../src/core/errors.ts";
import type { Distributor } from "../../src/engine/api.ts";
import type { AnalyzerFrame, NodeFrame, Session, SessionPort } from "../../src/engine/frames.ts";
import { MAX_OPENING_FRAMES } from "../../src/engine/settings.ts";
import type { Answer, LeaseBook, Patience } from "./lease-book.ts";
import type { Life } from "./life.ts";
import type { SimClock } from "./sim-clock.ts";
import type { Checks } from "./violation.ts";

/** A node as its clients find it. */
export interface SimNode {
  readonly distributor: Distributor;
  readonly life: Life;
}

/** What streams share. */
export interface Net {
  readonly clock: SimClock;
  readonly checks: Checks;
  readonly leases: LeaseBook;
  readonly patience: Patience;
  /** A delivery has left the node. */
  readonly noteDelivery: (lease: number, analyzerId: string) => void;
}

/** What an analyzer hears of its stream. */
export interface StreamEvents {
  received(stream: SimStream, frame: NodeFrame): void;
  /** The node has got its hello. */
  greeted(stream: SimStream): void;
}

/** A frame with nothing in it: a heartbeat. */
export const HEARTBEAT: AnalyzerFrame = { results: [], releases: [], credit: 0, progress: [] };

/** One stream. */
export class SimStream implements SessionPort {
  readonly peer = "sim";
  readonly #net: Net;
  readonly #node: SimNode;
  readonly #analyzerId: string;
  readonly #events: StreamEvents;
  readonly #session: Session;
  readonly #openedActiveMs: number;
  /** Upwards: frames that the node has not got yet. */
  readonly #uplink: AnalyzerFrame[] = [];
  /** Downwards: frames in the buffers of a socket that is not read. */
  readonly #downlink: NodeFrame[] = [];
  /** Frames that wait for the welcome. */
  readonly #kept: AnalyzerFrame[] = [];
  readonly #expected = new Set<ErrorCode>();
  #isReading = true;
  #isCut = false;
  #saidHello = false;
  #isWelcome = false;
  #isFinished = false;
  #isReplaced = false;
  #isEnded = false;
  #isDrained = false;
  #receiptsDue = 0;
  #credit = 0;
  /** Largest window so far, and the present one. */
  #grantLimit = 0;
  #window = 0;
  /** Leases of the window that are not answered. */
  readonly #open = new Set<number>();
  /** Frames take their time upwards. */
  isSlow = false;

  constructor(net: Net, node: SimNode, analyzerId: string, events: StreamEvents) {
    this.#net = net;
    this.#node = node;
    this.#analyzerId = analyzerId;
    this.#events = events;
    this.#openedActiveMs = net.clock.activeMs;
    this.#session = node.distributor.attach(this);
  }

  /** For the analyzer it is there. */
  get isUsable(): boolean {
    return !this.#isCut && !this.#isEnded && !this.#node.life.isOver;
  }

  /** For the node it is there. */
  get isOpenAtNode(): boolean {
    return !this.#isEnded && !this.#node.life.isOver;
  }

  get isWelcome(): boolean {
    return this.#isWelcome && this.isUsable;
  }

  get isDrained(): boolean {
    return this.#isDrained;
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  get receiptsDue(): number {
    return this.#receiptsDue;
  }

  /** Credit that the node has taken and not used. */
  get credit(): number {
    return this.#credit;
  }

  /** Credit that is surely within the window, beside what is on its way. */
  get room(): number {
    const onItsWay = [...this.#uplink, ...this.#kept].reduce((sum, { credit }) => sum + credit, 0);
    return Math.max(0, this.#window - this.#credit - this.#open.size - onItsWay);
  }

  /** Deliveries that the node may surely make now. */
  get spare(): number {
    return Math.min(this.#credit, this.#window - this.#open.size);
  }

  /** It is the session of its analyzer at the node. */
  get isAttached(): boolean {
    return this.#isWelcome && this.isOpenAtNode && !this.#isFinished && !this.#isReplaced;
  }

  /** The node may deliver now. */
  get isEligible(): boolean {
    return this.isAttached && !this.#isDrained && this.isQuiet && this.spare > 0;
  }

  /** Nothing is on its way and all is read: the account of the node must be equal to this one. */
  get isQuiet(): boolean {
    return this.#isReading && this.#uplink.length === 0 && this.#kept.length === 0 && this.#downlink.length === 0;
  }

  /** Sends a frame to the node. */
  say(frame: AnalyzerFrame): void {
    if (!this.isUsable || this.#isFinished) return;
    this.#uplink.push(frame);
    if (!this.isSlow) this.deliverUplink();
  }

  /** What is on its way to the node arrives. */
  deliverUplink(): void {
    for (const frame of this.#uplink.splice(0)) this.#arrive(frame);
  }

  /** Whether the analyzer reads. */
  read(isReading: boolean): void {
    if (!this.isUsable) return;
    this.#isReading = isReading;
    if (!isReading) return;
    for (const frame of this.#downlink.splice(0)) this.#events.received(this, frame);
    if (this.isOpenAtNode) this.#session.writable();
  }

  /** The connection breaks and the node sees it. */
  break(): void {
    this.#isCut = true;
    this.#drop();
    if (!this.isOpenAtNode) return;
    this.#isEnded = true;
    this.#noteDetached();
    this.#session.broken();
  }

  /** The connection is gone and the node does not know. */
  cut(): void {
    this.#isCut = true;
    this.#drop();
  }

  /** The analyzer ends its side in good order. */
  finish(): void {
    if (!this.isOpenAtNode || this.#isCut) return;
    this.deliverUplink();
    if (!this.isOpenAtNode) return;
    this.#isFinished = true;
    this.#receiptsDue += this.#open.size;
    this.#open.clear();
    this.#net.leases.holdsOnly(this.#analyzerId, new Set());
    this.#session.finished();
  }

  /** A newer session of the analyzer has said hello. */
  replace(): void {
    this.#isReplaced = true;
    this.#expected.add("ABORTED");
  }

  /** The node was told to drain this session, or itself: credit counts no more. */
  drain(): void {
    if (this.#isWelcome) this.#isDrained = true;
  }

  /** An operator has set the weight. */
  resize(maxInFlight: number): void {
    this.#window = maxInFlight;
    this.#grantLimit = Math.max(this.#grantLimit, maxInFlight);
  }

  send(frame: NodeFrame): boolean {
    if (!this.#node.life.effect()) return true;
    this.#account(frame);
    if (this.#isCut) return true;
    if (this.#isReading) this.#events.received(this, frame);
    else this.#downlink.push(frame);
    return this.#isReading;
  }

  end(error?: SluiceError): void {
    if (!this.#node.life.effect()) return;
    this.#isEnded = true;
    this.#net.checks.that("refusal", this.#mayEnd(error?.code), () => {
      return `the node ended a stream of ${this.#analyzerId} with ${error?.code ?? "OK"}: ${error?.message ?? "no error"}`;
    });
    if (error !== undefined && error.code !== "ABORTED" && error.code !== "UNAVAILABLE") this.#noteDetached();
  }

  /** What the node must make of a frame that it gets now. */
  #arrive(frame: AnalyzerFrame): void {
    if (this.#isEnded || !this.#node.life.effect()) return;
    const mustRefuse = this.#saidHello ? this.#judge(frame) : this.#judgeFirst(frame);
    if (this.#saidHello && !this.#isFinished && !this.#isReplaced) {
      this.#net.leases.reach(this.#analyzerId).lastFrameActiveMs = this.#net.clock.activeMs;
    }
    this.#session.receive(frame);
    this.#net.checks.that("refusal", !mustRefuse || this.#isEnded || this.#node.life.isOver, () => {
      return `${this.#analyzerId} broke the protocol and was not refused (${[...this.#expected].join(", ")})`;
    });
  }

  #judgeFirst(frame: AnalyzerFrame): boolean {
    const { hello } = frame;
    if (hello === undefined) {
      this.#expected.add("FAILED_PRECONDITION");
      return true;
    }
    this.#saidHello = true;
    const reach = this.#net.leases.reach(this.#analyzerId);
    reach.detachedActiveMs = undefined;
    reach.drainedMs = undefined;
    this.#net.leases.holdsOnly(this.#analyzerId, new Set(hello.held.map(({ lease }) => lease)));
    this.#kept.push(frame);
    this.#events.greeted(this);
    return false;
  }

  #judge(frame: AnalyzerFrame): boolean {
    if (frame.hello !== undefined) {
      this.#expected.add("FAILED_PRECONDITION");
      return true;
    }
    if (!this.#isWelcome) {
      this.#kept.push(frame);
      if (this.#kept.length <= MAX_OPENING_FRAMES) return false;
      this.#expected.add("RESOURCE_EXHAUSTED");
      return true;
    }
    return this.#apply(frame);
  }

  /** A frame of an open session. Returns whether it breaks the protocol. */
  #apply({ results, releases, credit }: AnalyzerFrame): boolean {
    for (const result of results) this.#answer(result.lease, result.kind === "success" ? "success" : failureOf(result));
    for (const lease of releases) this.#answer(lease, "release");
    if (this.#isDrained) return false;
    if (credit > 0 && this.#credit + this.#open.size + credit > this.#grantLimit) {
      // The node may know of more room than we do: of leases that it has ended already.
      this.#expected.add("OUT_OF_RANGE");
      if (credit > this.#grantLimit) return true;
    }
    this.#credit += credit;
    return false;
  }

  #answer(lease: number, answer: Answer): void {
    this.#receiptsDue += 1;
    this.#open.delete(lease);
    this.#net.leases.answered(lease, this.#analyzerId, answer);
  }

  /** What has left the node changes the account at once, whether or not it arrives. */
  #account(frame: NodeFrame): void {
    const { checks, leases } = this.#net;
    for (const { lease } of frame.deliveries) {
      leases.sent(lease, this.#analyzerId);
      this.#open.add(lease);
      this.#credit -= 1;
      // It was in the outbox at the good-bye, so it is among what that released.
      if (this.#isFinished) this.#receiptsDue += 1;
      this.#net.noteDelivery(lease, this.#analyzerId);
    }
    checks.that("credit", this.#credit >= 0, () => `${this.#analyzerId} got ${-this.#credit} more than it permitted`);
    this.#receiptsDue -= frame.accepted.length + frame.stale.length;
    checks.that("receipt", this.#receiptsDue >= 0, () => `${this.#analyzerId} got a receipt for nothing`);
    for (const { lease, reason } of frame.cancels) if (reason === "TIMEOUT") this.#open.delete(lease);
    if (frame.welcome === undefined) return;
    checks.that("refusal", this.#saidHello && !this.#isWelcome, () => `${this.#analyzerId} was welcomed out of turn`);
    this.#isWelcome = true;
    this.resize(frame.welcome.maxInFlight);
    for (const { lease, state } of frame.welcome.held) {
      if (state !== "ADOPTED") continue;
      this.#open.add(lease);
      const entry = leases.get(lease);
      const isLive = entry?.task.lease === lease && !entry.isEnding;
      checks.that("resume", isLive, () => `${this.#analyzerId} may go on with lease ${lease}, which is not live`);
    }
    // The node applies them as soon as it has welcomed.
    for (const kept of this.#kept.splice(0)) if (this.#apply(kept)) break;
  }

  #mayEnd(code: ErrorCode | undefined): boolean {
    const { clock, leases, patience } = this.#net;
    const { lastFrameActiveMs, drainedMs } = leases.reach(this.#analyzerId);
    const lastActiveMs = this.#saidHello ? lastFrameActiveMs : this.#openedActiveMs;
    const wasSilent = clock.activeMs - lastActiveMs >= patience.leaseMs;
    switch (code) {
      case undefined:
        return this.#isFinished;
      case "DEADLINE_EXCEEDED":
        return wasSilent || (drainedMs !== undefined && clock.monotonicMs - drainedMs >= patience.drainMs);
      case "UNAVAILABLE":
        return leases.nodeDrainedMs !== undefined;
      case "FAILED_PRECONDITION":
        return this.#expected.has(code) || (!this.#saidHello && wasSilent);
      default:
        return this.#expected.has(code);
    }
  }

  #noteDetached(): void {
    if (!this.#saidHello || this.#isReplaced || this.#isFinished) return;
    this.#net.leases.reach(this.#analyzerId).detachedActiveMs = this.#net.clock.activeMs;
  }

  #drop(): void {
    this.#uplink.length = 0;
    this.#downlink.length = 0;
  }
}

function failureOf(result: { readonly kind: "failure"; readonly nonRetryable: boolean }): Answer {
  return result.nonRetryable ? "fatal" : "failure";
}
