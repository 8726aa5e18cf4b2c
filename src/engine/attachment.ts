/**
 * How analyzers come and go: hello, re-attachment with held leases, replacement, broken streams, good-byes.
 * docs/protocol.md has the state diagram.
 *
 * Invariants:
 *  T1  An analyzer id has at most one session; a later hello replaces the earlier session.
 *  T2  A hello is answered only when no end of this analyzer's leases is under way, so that what it says of held leases is
 *      durable.
 *  T3  When an analyzer is gone, none of its leases is live and unanswered.
 */
import { CreditWindow, defaultMaxInFlight } from "../core/credit.ts";
import { SluiceError } from "../core/errors.ts";
import type { Outcome } from "../core/task.ts";
import type { AdoptOutcome, ClaimedTask } from "../store/port.ts";
import { AnalyzerRecord } from "./analyzer.ts";
import type { Endings } from "./endings.ts";
import type { Hello, Welcome } from "./frames.ts";
import type { Lease } from "./lease-table.ts";
import type { LiveSession } from "./live-session.ts";
import type { NodeState } from "./node-state.ts";
import { MAX_KNOWN_QUEUES } from "./settings.ts";

type HeldOutcome = Welcome["held"][number];

/** Error of an attempt whose analyzer was lost. */
function lostOutcome(message: string): Outcome {
  return { kind: "lost", error: { code: "ANALYZER_LOST", message, details: new Uint8Array() } };
}

/** The door. */
export class Attachment {
  readonly #node: NodeState;
  readonly #endings: Endings;
  /** Called when a session has been welcomed, to take the frames that came meanwhile. */
  readonly #onOpen: (session: LiveSession) => void;
  #hellos = 0;

  constructor(node: NodeState, endings: Endings, onOpen: (session: LiveSession) => void) {
    this.#node = node;
    this.#endings = endings;
    this.#onOpen = onOpen;
  }

  /** Hellos are being answered: the store may be giving back leases. */
  get isAdopting(): boolean {
    return this.#hellos > 0;
  }

  /** The first frame of a session. Throws SluiceError when it cannot be welcomed. */
  hello(session: LiveSession, hello: Hello): void {
    const { settings } = this.#node.parts;
    const maxInFlight = this.#windowSize(hello.weight, hello.maxInFlight);
    if (hello.held.length > settings.maxInFlight) {
      throw new SluiceError(
        "INVALID_ARGUMENT",
        `hello.held names ${hello.held.length} leases, more than max_in_flight`,
      );
    }
    this.#checkRoom(hello);
    const analyzer = this.#node.analyzers.get(hello.analyzerId) ?? new AnalyzerRecord(hello.analyzerId, hello.weight);
    const queues = hello.subscriptions.map(({ queue, weight }) => ({ queue: this.#node.queue(queue), weight }));
    this.#replace(analyzer, session, new Set(hello.held.map((held) => held.lease)));
    analyzer.reopen();
    analyzer.weight = hello.weight;
    analyzer.windowFollowsWeight = hello.maxInFlight === 0;
    analyzer.version = hello.version;
    analyzer.labels = hello.labels;
    analyzer.session = session;
    analyzer.attachedMs = this.#node.wallMs;
    analyzer.lastFrameMs = this.#node.leaseMs;
    this.#node.analyzers.set(analyzer.id, analyzer);
    session.analyzer = analyzer;
    session.opening = [];
    session.window = new CreditWindow(maxInFlight);
    this.#subscribe(analyzer, queues);
    this.#hellos += 1;
    this.#node.after(this.#adopt(analyzer, session, hello), (held) => {
      this.#hellos -= 1;
      if (!session.isOver) this.#welcome(analyzer, session, maxInFlight, held);
    });
  }

  /** An operator sets the weight of an attached analyzer: its shares follow, and its window if it is the node's choice. */
  setWeight(analyzer: AnalyzerRecord, session: LiveSession, weight: number): void {
    analyzer.weight = weight;
    for (const { queue, member } of analyzer.served()) {
      queue.share.setWeight(member, weight);
      this.#node.nudge(queue);
    }
    if (analyzer.windowFollowsWeight) session.window.resize(this.#windowSize(weight, 0));
    this.#node.refresh(analyzer);
    session.outbox.change({ weight, maxInFlight: session.window.max });
    this.#node.touch(session);
  }

  /** The stream broke: leases are kept for the resume grace. */
  broken(session: LiveSession): void {
    const { analyzer } = session;
    if (analyzer === undefined || analyzer.session !== session) return;
    analyzer.session = undefined;
    this.#leaveShares(analyzer);
    this.#returnUnsent(session);
    analyzer.apply("break");
    analyzer.detachedFrom = session;
    const { resumeGraceMs } = this.#node.parts.settings;
    const lost = lostOutcome(`its stream broke and it did not return within ${resumeGraceMs} ms`);
    if (analyzer.leases.size === 0) {
      this.#gone(analyzer, lost);
      return;
    }
    this.#node.parts.log("info", "analyzer.detached", { analyzer: analyzer.id, leases: analyzer.leases.size });
    this.#node.afterGrace(resumeGraceMs, () => {
      if (analyzer.state === "DETACHED" && analyzer.detachedFrom === session) this.#gone(analyzer, lost);
    });
  }

  /** The analyzer ended its side: what it holds is released, the stream ends when the receipts are sent. */
  finished(session: LiveSession): void {
    session.isFinishing = true;
    if (session.opening !== undefined) return; // its first frames are still to be applied, then it is finished
    const { analyzer } = session;
    if (analyzer === undefined) {
      session.end();
      return;
    }
    this.#leaveShares(analyzer);
    this.endLeases(analyzer, { kind: "released" }, session);
    analyzer.apply("finish");
    analyzer.session = undefined;
    analyzer.goneSinceMs = this.#node.monotonicMs;
    this.#node.parts.log("info", "analyzer.left", { analyzer: analyzer.id });
    this.#node.touch(session);
  }

  /** No frame came for the lease time. */
  expire(analyzer: AnalyzerRecord): void {
    const { session } = analyzer;
    if (session === undefined) return;
    const { leaseMs } = this.#node.parts.settings;
    analyzer.session = undefined;
    session.cut(
      new SluiceError("DEADLINE_EXCEEDED", `no frame came for ${leaseMs} ms: its leases are lost, connect again`),
    );
    this.#leaveShares(analyzer);
    this.#returnUnsent(session);
    this.#gone(analyzer, lostOutcome(`it sent no frame for ${leaseMs} ms`));
  }

  /** Ends all leases of an analyzer that are live and not answered. */
  endLeases(analyzer: AnalyzerRecord, outcome: Outcome, receiptTo?: LiveSession): void {
    for (const lease of analyzer.leases) {
      if (!lease.answered) this.#endings.end(lease, outcome, receiptTo);
    }
  }

  /** The analyzer does not read: what waits for it goes to others, and it may have as much later. */
  takeBackUnread(session: LiveSession): void {
    const before = session.window.inFlight;
    this.#returnUnsent(session);
    const { analyzer, window } = session;
    if (analyzer?.state === "ATTACHED") window.grant(before - window.inFlight);
  }

  /** What was leased for a session but never left the node costs nobody an attempt. */
  #returnUnsent(session: LiveSession): void {
    for (const { lease: number } of session.outbox.takeUnsent()) {
      const lease = this.#node.leases.get(number);
      if (lease !== undefined && !lease.answered) this.#endings.end(lease, { kind: "released" });
    }
  }

  #gone(analyzer: AnalyzerRecord, outcome: Outcome): void {
    const lost = [...analyzer.leases].filter((lease) => !lease.answered).length;
    this.endLeases(analyzer, outcome);
    analyzer.apply("expire");
    analyzer.goneSinceMs = this.#node.monotonicMs;
    this.#node.parts.log(lost > 0 ? "warn" : "info", lost > 0 ? "analyzer.lost" : "analyzer.left", {
      analyzer: analyzer.id,
      leases: lost,
    });
  }

  #leaveShares(analyzer: AnalyzerRecord): void {
    for (const { queue } of analyzer.served()) this.#node.nudge(queue);
    analyzer.detachShares();
  }

  /** Queues that are only subscribed to exist in memory: their number is bounded like that of the stored ones. */
  #checkRoom({ subscriptions }: Hello): void {
    const { queues } = this.#node;
    const added = subscriptions.filter(({ queue }) => !queues.has(queue)).length;
    if (added > 0 && queues.size + added > MAX_KNOWN_QUEUES) {
      throw new SluiceError("RESOURCE_EXHAUSTED", `this node knows ${queues.size} queues: serve existing ones`);
    }
  }

  /** `wanted` 0 leaves the size to the node. */
  #windowSize(weight: number, wanted: number): number {
    return Math.min(wanted === 0 ? defaultMaxInFlight(weight) : wanted, this.#node.parts.settings.maxInFlight);
  }

  /** T1: what the new session does not hold never arrived, so it goes back uncharged. */
  #replace(analyzer: AnalyzerRecord, session: LiveSession, held: ReadonlySet<number>): void {
    const former = analyzer.session;
    for (const lease of analyzer.leases) {
      if (!lease.answered && !held.has(lease.lease)) this.#endings.end(lease, { kind: "released" });
    }
    if (former !== undefined || analyzer.state === "DETACHED") analyzer.apply("replace");
    this.#leaveShares(analyzer);
    if (former === undefined) return;
    this.#node.parts.log("warn", "analyzer.replaced", { analyzer: analyzer.id, by: session.peer, former: former.peer });
    former.cut(
      new SluiceError("ABORTED", `a newer session of analyzer ${analyzer.id} took over: give each its own id`),
    );
  }

  #subscribe(analyzer: AnalyzerRecord, queues: readonly { queue: Lease["holder"]["queue"]; weight: number }[]): void {
    const sum = queues.reduce((total, { weight }) => total + weight, 0);
    for (const { queue, weight } of queues) {
      analyzer.subscribe(queue, this.#node.monotonicMs).fraction = weight / sum;
    }
  }

  async #adopt(analyzer: AnalyzerRecord, session: LiveSession, hello: Hello): Promise<HeldOutcome[]> {
    await this.#endings.settled();
    const unknown = hello.held.filter(({ lease }) => this.#node.leases.get(lease) === undefined);
    const outcomes = unknown.length === 0 ? [] : await this.#node.parts.store.adopt(unknown);
    const adopted = new Map<number, AdoptOutcome>();
    unknown.forEach(({ lease }, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined) adopted.set(lease, outcome);
    });
    if (session.isOver) {
      this.#returnAdopted(analyzer, session, outcomes);
      return [];
    }
    return hello.held.map(({ lease }) => ({ lease, state: this.#take(analyzer, session, lease, adopted.get(lease)) }));
  }

  /** Takes one held lease into the session, if it is live or was adopted by the store. */
  #take(
    analyzer: AnalyzerRecord,
    session: LiveSession,
    number: number,
    outcome: AdoptOutcome | undefined,
  ): HeldOutcome["state"] {
    const live = this.#node.leases.get(number);
    if (live !== undefined) {
      if (live.holder.analyzer !== analyzer || live.answered) return "LOST";
      live.window = session.window;
      session.window.adopt();
      // It was away when it was asked to stop.
      if (live.cancelRequested) session.outbox.cancel({ lease: number, reason: "CANCELLED" });
      return "ADOPTED";
    }
    if (outcome?.kind === "recorded") return "RECORDED";
    if (outcome?.kind !== "adopted") return "LOST";
    this.#enter(analyzer, session, outcome.task);
    return "ADOPTED";
  }

  #enter(analyzer: AnalyzerRecord, session: LiveSession, task: ClaimedTask): Lease {
    const queue = this.#node.queue(task.queue);
    const known = analyzer.subscriptions.get(task.queue);
    const holder = known ?? analyzer.subscribe(queue, this.#node.monotonicMs);
    // A lease of a queue that it no longer serves brings it no more of that queue.
    if (known === undefined) queue.share.detach(holder.member);
    session.window.adopt();
    return this.#node.leases.add(task, holder, session.window, this.#node.wallMs, this.#node.leaseMs);
  }

  /** The session went while the store looked its leases up: they go back uncharged. */
  #returnAdopted(analyzer: AnalyzerRecord, session: LiveSession, outcomes: readonly AdoptOutcome[]): void {
    for (const outcome of outcomes) {
      if (outcome.kind !== "adopted") continue;
      this.#endings.end(this.#enter(analyzer, session, outcome.task), { kind: "released" });
    }
  }

  #welcome(analyzer: AnalyzerRecord, session: LiveSession, maxInFlight: number, held: readonly HeldOutcome[]): void {
    const { leaseMs } = this.#node.parts.settings;
    analyzer.apply("hello");
    session.welcome({
      sessionId: session.id,
      epoch: this.#node.epoch,
      heartbeatMs: Math.max(1, Math.floor(leaseMs / 3)),
      leaseMs,
      maxInFlight,
      held,
    });
    this.#node.parts.log("info", "analyzer.attached", {
      analyzer: analyzer.id,
      session: session.id,
      peer: session.peer,
      weight: analyzer.weight,
      queues: [...analyzer.served()].map(({ queue }) => queue.name),
      adopted: held.filter(({ state }) => state === "ADOPTED").length,
      held: held.length,
    });
    this.#onOpen(session);
  }
}
