/**
 * Graceful ends: of one analyzer by its operator, of the whole node.
 *
 * Invariants:
 *  G1  A drain charges no attempt: what is not answered in time goes back to its place.
 *  G2  When the node's drain resolves, no lease is live and every commit is done.
 */
import { SluiceError } from "../core/errors.ts";
import type { AnalyzerRecord } from "./analyzer.ts";
import type { Attachment } from "./attachment.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { NodeFrame } from "./frames.ts";
import type { LiveSession } from "./live-session.ts";
import type { NodeState } from "./node-state.ts";
import type { Submissions } from "./submissions.ts";

type Reason = NonNullable<NodeFrame["drain"]>["reason"];

/** How often a draining node looks whether everything has ended. */
const DRAIN_CHECK_MS = 20;

/** The closing of the gates. */
export class Drain {
  readonly #node: NodeState;
  readonly #attachment: Attachment;
  readonly #submissions: Submissions;
  readonly #dispatcher: Dispatcher;
  #drained: Promise<void> | undefined;

  constructor(node: NodeState, attachment: Attachment, submissions: Submissions, dispatcher: Dispatcher) {
    this.#node = node;
    this.#attachment = attachment;
    this.#submissions = submissions;
    this.#dispatcher = dispatcher;
  }

  /** Asks an attached analyzer to finish; after drainMs its session is cut. */
  analyzer(analyzer: AnalyzerRecord, reason: Reason): void {
    const { session } = analyzer;
    if (session === undefined || analyzer.state !== "ATTACHED") return;
    const { clock, settings } = this.#node.parts;
    analyzer.apply("drain");
    this.#node.refresh(analyzer);
    session.outbox.drain({ reason, deadlineMs: settings.drainMs });
    this.#node.touch(session);
    // A node that stops cuts all its sessions together.
    if (reason === "OPERATOR") clock.after(settings.drainMs, () => this.#cut(session));
  }

  /** Drains the node. Every call gets the same answer. */
  node(sessions: ReadonlySet<LiveSession>): Promise<void> {
    this.#drained ??= this.#drainNode(sessions);
    return this.#drained;
  }

  async #drainNode(sessions: ReadonlySet<LiveSession>): Promise<void> {
    const { clock, settings, log } = this.#node.parts;
    this.#node.isDraining = true;
    this.#dispatcher.stop();
    log("info", "node.draining", { sessions: sessions.size, leases: this.#node.leases.size, forMs: settings.drainMs });
    for (const { analyzer } of sessions) if (analyzer !== undefined) this.analyzer(analyzer, "NODE_STOPPING");
    const deadlineMs = clock.monotonicMs() + settings.drainMs;
    await this.#until(() => this.#isQuiet() || clock.monotonicMs() >= deadlineMs);
    // At every look, because claims and hellos that were under way still bring leases.
    await this.#until(() => {
      for (const analyzer of this.#node.analyzers.values()) this.#attachment.endLeases(analyzer, { kind: "released" });
      return this.#isQuiet();
    });
    for (const session of sessions) {
      session.flush();
      session.cut(new SluiceError("UNAVAILABLE", "this node is stopping: connect to another, or again later"));
    }
    log("info", "node.drained", {});
  }

  /** Nothing is leased, so no end of a lease is on its way either, and nothing else is on its way to the store. */
  #isQuiet(): boolean {
    const { leases, failure } = this.#node;
    if (failure !== undefined) return true;
    return (
      leases.size === 0 &&
      this.#submissions.uncommittedBytes === 0 &&
      !this.#dispatcher.isClaiming &&
      !this.#attachment.isAdopting
    );
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (condition()) resolve();
        else this.#node.parts.clock.after(DRAIN_CHECK_MS, look);
      };
      look();
    });
  }

  #cut(session: LiveSession): void {
    const { analyzer } = session;
    if (analyzer?.session !== session) return;
    this.#attachment.endLeases(analyzer, { kind: "released" });
    session.refuse(
      new SluiceError("DEADLINE_EXCEEDED", "the drain's deadline has passed: what was held went back uncharged"),
    );
  }
}
