/**
 * The dispatch rule: which analyzer of a queue gets the next task, so that over time each gets its weight's part.
 *
 * It is stride scheduling (Waldspurger and Weihl, "Stride Scheduling", MIT/LCS/TM-528, 1995) with bounds on what is owed.
 * Each member has a weight w and a pass: the virtual time it has used up. The task goes to the smallest pass among the
 * eligible members (ties by id), which then moves on by 1 / w. The virtual time V of the share is the smallest pass at the
 * last choice, among the eligible or, if max lead is bounded, among the live; but it never goes back. Newcomers start there.
 * Lead = (pass - V) * w: tasks ahead (+) or behind (-).
 *
 * Invariants, with W the sum of the weights of the k members:
 *  R1  Only an eligible member is chosen, and one is whenever there is one, if max lead is unlimited.
 *  R2  All always eligible, and max lead unlimited: of n choices since all stood at V, member i has got between
 *      n * w / W - (k - 1) * w / W and n * w / W + 1 - w / W, both reached. Reason: i is chosen only when its pass is the
 *      smallest, m, so passes lie in [m, m + 1 / w], and with n_i = w_i * pass_i the sum of all n_i is n. For i just
 *      chosen: n - 1 >= W * m and n_i = w_i * m + 1. For i about to be: n <= W * m + k - 1 and n_i = w_i * m. With equal
 *      weights nobody is ever a task off; a heavy one may first have to see every light one get its first task.
 *  R3  An eligible member is owed at most max lag tasks: lead >= -max lag. Max lead unlimited, it is at most 1 ahead.
 *  R4  So, max lead unlimited, an eligible member of weight w waits for at most max lag + v / w + 1 tasks of each other
 *      member of weight v, whatever those do meanwhile. This is why V never goes back: if V were simply the last pass
 *      chosen, a returning member would draw it back to its own, and the next to return could be owed another max lag on
 *      top of that. The price: if a light member was served while all heavy ones were out of credit, V is at its pass, and
 *      a newcomer starts up to one task of that light member late. It still gets what the others have no credit for.
 *  R5  Max lead L: a member is less than L + 1 tasks ahead of the slowest live one (`share-lead.ts`). With everybody live,
 *      member i has got between n * w / W - (L + 1) * (k - 1) * w / W and n * w / W + (L + 1) * (1 - w / W), for the same
 *      reason as in R2. V is the pass of the slowest live one, so that a newcomer is not ahead, and need not wait, at once.
 *  R6  A change of weight keeps the lead in tasks, so nobody wins or loses what it is owed.
 *
 * A decision is O(log k), see `share-lead.ts` for a bounded max lead.
 */
import { IndexedHeap } from "./heap.ts";
import { LeadGate } from "./share-lead.ts";
import { byPass, Member, type ShareMember } from "./share-member.ts";
import { VirtualTime } from "./virtual-time.ts";

export type { ShareMember };

/** The bounds of a share. */
export interface SharePolicy {
  /** Tasks that a member is owed at most when it becomes eligible; at least 0. */
  readonly maxLag: number;
  /** Tasks that a member may be ahead of the slowest live one; at least 1. Infinity = unlimited. */
  readonly maxLead: number;
  /** With a bounded max lead: a member without credit for this long is not waited for; at least 0. */
  readonly holdMs: number;
}

/**
 * Passes are moved back to the origin when V is beyond this. A double near 2^20 still resolves 2^-32, a 4,000th of the
 * step of the largest weight.
 */
const REBASE_ABOVE = 2 ** 20;

/** The share of one queue. Methods throw plain errors when they are used wrongly. */
export class Share {
  #policy: SharePolicy;
  #gate: LeadGate | undefined;
  readonly #time = new VirtualTime();
  /** Attached and detached ones. */
  readonly #members = new Map<string, Member>();
  readonly #eligible = new IndexedHeap<Member>(byPass);
  #attached = 0;
  /** Sum of the weights of the attached; undefined = to be summed up again. */
  #weight: number | undefined;
  #choicesSinceRebase = 0;

  constructor(policy: SharePolicy) {
    this.#policy = checked(policy);
    this.#gate = gateFor(policy);
  }

  /** V. Only differences mean something: the origin moves. */
  get virtualTime(): number {
    return this.#time.now;
  }

  /** Attached members. */
  get size(): number {
    return this.#attached;
  }

  get eligibleCount(): number {
    return this.#eligible.size;
  }

  /** Sum of the weights of the attached members. */
  get attachedWeight(): number {
    // Summed up anew after a change: keeping it up to date by differences would let rounding errors pile up.
    this.#weight ??= this.#sumWeights();
    return this.#weight;
  }

  /** All members, the detached ones included. */
  members(): Iterable<ShareMember> {
    return this.#members.values();
  }

  /** Tasks ahead (+) or behind (-) of the member's share. */
  lead(member: ShareMember): number {
    return (member.pass - this.#time.now) * member.weight;
  }

  /** Changes the bounds. They hold at once. */
  setPolicy(policy: SharePolicy): void {
    this.#policy = checked(policy);
    for (const member of this.#members.values()) this.#limitLag(member);
    this.#rebuild();
  }

  /**
   * Lets an analyzer take part, at first not eligible. A new one starts at V. One that was detached keeps its lead or lag,
   * the latter up to max lag. For an attached one this is setWeight.
   */
  attach(id: string, weight: number, nowMs: number): ShareMember {
    const known = this.#members.get(id);
    if (known?.attached) {
      this.setWeight(known, weight);
      return known;
    }
    const member = known ?? new Member(id, weight, this.#time.now, nowMs);
    if (known !== undefined) this.#reweigh(known, weight);
    this.#members.set(id, member);
    member.attached = true;
    member.idleSinceMs = nowMs;
    this.#attached += 1;
    this.#weight = undefined;
    this.#gate?.add(member);
    return member;
  }

  /** Ends its part; its pass is remembered. Does nothing if it is detached already. */
  detach(member: ShareMember): void {
    const known = this.#members.get(member.id);
    if (known !== member || !known.attached) return;
    this.#gate?.remove(known);
    this.#eligible.remove(known);
    known.eligible = false;
    known.attached = false;
    this.#attached -= 1;
    this.#weight = undefined;
  }

  /** Drops a detached member: if it returns it is new. Throws if it is attached. Does nothing if it was dropped before. */
  forget(member: ShareMember): void {
    if (this.#members.get(member.id) !== member) return;
    if (member.attached) throw new Error(`member ${member.id} is attached: detach it before forgetting it`);
    this.#members.delete(member.id);
  }

  /** Changes a weight; its lead in tasks stays. */
  setWeight(member: ShareMember, weight: number): void {
    const own = this.#own(member);
    if (own.weight === weight) return;
    this.#reweigh(own, weight);
    this.#weight = undefined;
    this.#moved(own);
  }

  /** Says whether it can take a task. When it becomes so, it is owed at most max lag. Throws for a detached one. */
  setEligible(member: ShareMember, eligible: boolean, nowMs: number): void {
    const own = this.#own(member);
    if (own.eligible === eligible) return;
    if (!own.attached) throw new Error(`member ${own.id} is detached: attach it before making it eligible`);
    this.#gate?.remove(own);
    own.eligible = eligible;
    if (eligible) {
      this.#limitLag(own);
      this.#eligible.push(own);
    } else {
      this.#eligible.remove(own);
      own.idleSinceMs = nowMs;
    }
    this.#gate?.add(own);
  }

  /** Decides who gets the next task. Undefined: nobody is eligible, or all who are must wait for slower ones. */
  choose(nowMs: number): ShareMember | undefined {
    const least = this.#eligible.peek();
    if (least === undefined) return undefined;
    const floor = this.#gate === undefined ? least.pass : this.#gate.floor(nowMs, least);
    const choice = this.#gate === undefined ? least : this.#gate.choose(floor, least);
    if (choice === undefined) return undefined;
    this.#time.raise(floor);
    choice.pass += choice.step;
    this.#eligible.update(choice);
    this.#choicesSinceRebase += 1;
    // Counting choices too keeps this O(1) per choice even if weights are so small that V passes the mark every time.
    if (this.#time.now > REBASE_ABOVE && this.#choicesSinceRebase >= this.#members.size) this.#rebase();
    return choice;
  }

  /**
   * Takes back the choice of a member, because there was no task for it. Refunding several in the reverse order of
   * choosing restores the state of before. It is right for a member that has left meanwhile as well.
   */
  refund(member: ShareMember): void {
    this.#time.undo();
    const known = this.#members.get(member.id);
    if (known !== member) return;
    known.pass -= known.step;
    this.#limitLag(known);
    this.#moved(known);
  }

  /**
   * When, without any other event, `choose` could give another answer, because an analyzer without credit is no longer
   * waited for; undefined = never. On the same clock as `nowMs`.
   */
  wakeAtMs(nowMs: number): number | undefined {
    const least = this.#eligible.peek();
    return least === undefined ? undefined : this.#gate?.wakeAtMs(nowMs, least);
  }

  #own(member: ShareMember): Member {
    const known = this.#members.get(member.id);
    if (known !== member) throw new Error(`member ${member.id} is not of this share, or was forgotten`);
    return known;
  }

  #reweigh(member: Member, weight: number): void {
    if (member.weight !== weight) {
      const lead = this.lead(member);
      member.weight = weight;
      member.pass = this.#time.now + lead * member.step;
    }
    this.#limitLag(member);
  }

  #limitLag(member: Member): void {
    member.pass = Math.max(member.pass, this.#time.now - this.#policy.maxLag * member.step);
  }

  #moved(member: Member): void {
    if (member.eligible) this.#eligible.update(member);
    this.#gate?.moved(member);
  }

  #sumWeights(): number {
    let sum = 0;
    for (const member of this.#members.values()) if (member.attached) sum += member.weight;
    return sum;
  }

  /** Orders everything anew after all passes may have changed. Even a shift can, by rounding, make ties. */
  #rebuild(): void {
    this.#eligible.rebuild();
    for (const member of this.#members.values()) this.#gate?.remove(member);
    this.#gate = gateFor(this.#policy);
    for (const member of this.#members.values()) if (member.attached) this.#gate?.add(member);
  }

  #rebase(): void {
    const origin = this.#time.rebase();
    for (const member of this.#members.values()) member.pass -= origin;
    this.#rebuild();
    this.#choicesSinceRebase = 0;
  }
}

function checked(policy: SharePolicy): SharePolicy {
  const { maxLag, maxLead, holdMs } = policy;
  if (!(maxLag >= 0)) throw new Error(`max lag must be at least 0, got ${maxLag}`);
  if (!(maxLead >= 1)) throw new Error(`max lead must be at least 1, got ${maxLead}`);
  if (!(holdMs >= 0)) throw new Error(`hold time must be at least 0, got ${holdMs}`);
  return policy;
}

function gateFor(policy: SharePolicy): LeadGate | undefined {
  return policy.maxLead === Number.POSITIVE_INFINITY ? undefined : new LeadGate(policy.maxLead, policy.holdMs);
}
