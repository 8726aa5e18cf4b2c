/**
 * The dispatch rule seen from outside: nothing but who got how many tasks while who could have taken one.
 *
 * Invariant that it checks (core/share.ts, R4 and R5): while an analyzer of weight w could take a task of a queue all the
 * time, every other one of weight v gets at most max lag + L + (L + 1) * v / w + 1 tasks of that queue, where L is the max
 * lead, 0 when it is unlimited. (R4 is the case L = 0. Under a bounded lead a member may be up to L + 1 tasks ahead of V
 * before it has to wait, and another one is chosen only while it is less than L ahead of it.)
 *
 * The order of deliveries is that of their leases, which the node numbers as it chooses.
 */
import type { Checks } from "./violation.ts";

/** What the rule's bound is made of. */
export interface ShareBounds {
  maxLag: number;
  /** 0 = unlimited. */
  maxLead: number;
}

/** An analyzer at the end of a step. */
export interface ShareMemberView {
  readonly id: string;
  readonly shareWeight: number;
  /** Deliveries that it may surely get now; 0 when it is not eligible. */
  readonly spare: number;
}

/** Rounding of virtual times may let one more through only if a bound is met exactly. */
const SLACK = 1e-6;

interface Patient {
  spare: number;
  weight: number;
  /** What each other one got since this one got its last task or could first take one. */
  readonly others: Map<string, number>;
}

/** Watches one queue through one start of a node. */
export class ShareWatch {
  readonly #queue: string;
  readonly #checks: Checks;
  readonly #patients = new Map<string, Patient>();
  readonly #weights = new Map<string, number>();
  #delivered: { readonly lease: number; readonly analyzerId: string; readonly queue: string }[] = [];
  #lastLease = 0;
  /** The widest that held since the start. */
  readonly #bounds: ShareBounds;

  constructor(queue: string, bounds: ShareBounds, checks: Checks) {
    this.#queue = queue;
    this.#bounds = { ...bounds };
    this.#checks = checks;
  }

  /** The policy was changed: what was built up under the old one may last. */
  widen({ maxLag, maxLead }: ShareBounds): void {
    this.#bounds.maxLag = Math.max(this.#bounds.maxLag, maxLag);
    this.#bounds.maxLead = Math.max(this.#bounds.maxLead, maxLead);
  }

  /** Largest max lead so far; 0 when it always was unlimited. */
  get maxLead(): number {
    return this.#bounds.maxLead;
  }

  /** A delivery of any queue: all of them use up credit. */
  delivered(lease: number, analyzerId: string, queue: string): void {
    this.#delivered.push({ lease, analyzerId, queue });
  }

  /** At the end of a step: counts what was delivered in it, then takes note of who can take more. */
  step(members: readonly ShareMemberView[]): void {
    const views = new Map(members.map((member) => [member.id, member]));
    for (const [id, { weight }] of this.#patients) {
      const view = views.get(id);
      if (view === undefined || view.spare <= 0 || view.shareWeight !== weight) this.#patients.delete(id);
    }
    // Leases tell the order within a queue, not that between queues: whatever others took of its credit came first.
    for (const { analyzerId, queue } of this.#delivered) if (queue !== this.#queue) this.#spend(analyzerId);
    this.#delivered.sort((a, b) => a.lease - b.lease);
    for (const { lease, analyzerId, queue } of this.#delivered) {
      if (queue !== this.#queue) continue;
      // What was stuck in a socket was counted by nobody when it was chosen; it does not count now.
      if (lease > this.#lastLease) this.#count(analyzerId);
      this.#lastLease = Math.max(this.#lastLease, lease);
    }
    this.#delivered = [];
    for (const { id, spare, shareWeight } of members) this.#note(id, spare, shareWeight);
  }

  #note(id: string, spare: number, weight: number): void {
    if (this.#weights.get(id) !== weight) {
      for (const { others } of this.#patients.values()) others.delete(id);
      this.#weights.set(id, weight);
    }
    const patient = this.#patients.get(id);
    if (patient !== undefined) patient.spare = spare;
    else if (spare > 0) this.#patients.set(id, { spare, weight, others: new Map() });
  }

  /** It has used one credit: without any it waits for nothing. */
  #spend(analyzerId: string): void {
    const patient = this.#patients.get(analyzerId);
    if (patient === undefined) return;
    patient.spare -= 1;
    if (patient.spare <= 0) this.#patients.delete(analyzerId);
  }

  #count(analyzerId: string): void {
    this.#patients.get(analyzerId)?.others.clear();
    this.#spend(analyzerId);
    const weight = this.#weights.get(analyzerId);
    if (weight === undefined) return;
    for (const [id, patient] of this.#patients) {
      if (id === analyzerId) continue;
      const got = (patient.others.get(analyzerId) ?? 0) + 1;
      patient.others.set(analyzerId, got);
      const { maxLag, maxLead } = this.#bounds;
      const bound = maxLag + maxLead + ((maxLead + 1) * weight) / patient.weight + 1;
      this.#checks.that("share", got <= bound + SLACK, () => {
        return `${id} could take a task of ${this.#queue}, yet ${analyzerId} got ${got}; ${bound.toFixed(1)} are the most`;
      });
    }
  }
}
