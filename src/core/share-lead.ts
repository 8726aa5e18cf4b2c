/**
 * The max lead of a share: who must wait because the slowest live analyzer is too far behind.
 *
 * A member waits while (pass - floor) * weight >= max lead, where floor is the smallest pass of the live members. Live are
 * the eligible ones, and the others until they have been without credit for the hold time.
 *
 * Invariants:
 *  G1  An attached member is either eligible, and then its seat is in exactly one of `open` and `shut`, or idle, and then
 *      it is in `idle` unless it was found to have been so for the hold time.
 *  G2  Who is chosen was within the max lead before it, so afterwards it is less than max lead + 1 tasks ahead of the floor.
 *  G3  The eligible member with the smallest pass waits only for idle ones. So a stuck one stops the choices for no longer
 *      than the hold time: all wait for longer only if members join, or lose their eligibility, meanwhile.
 *
 *  G4  The key of a seat is at most the member's present pass (`open`) or release point (`shut`). Choices only make those
 *      grow, so keys are brought up to date when they are on top; anything else that moves a member sets its key at once.
 *
 * Cost: as long as the smallest pass of all need not wait, the seats are not even looked at. Else a decision is O(log n),
 * and O(log n) more for every member chosen, or passed by the floor, since the seats were last looked at.
 */
import { IndexedHeap } from "./heap.ts";
import { byPass, type Member, type Seat } from "./share-member.ts";

/**
 * Part of the max lead by which a member waits early. Floating point leaves a pass that should be a whole number of tasks
 * ahead a trifle short of it, and "a trifle short" must not be worth one task.
 */
const ROUNDING = 2 ** -10;

/** Who may be chosen under a bounded max lead. */
export class LeadGate {
  readonly #maxLead: number;
  readonly #holdMs: number;
  /** Not eligible and, as far as seen, live. */
  readonly #idle = new IndexedHeap<Member>(byPass);
  /** Eligible and not found to be too far ahead, by pass. */
  readonly #open = new IndexedHeap<Seat>(byKey);
  /** Eligible and found to be too far ahead, by release point. */
  readonly #shut = new IndexedHeap<Seat>(byKey);

  constructor(maxLead: number, holdMs: number) {
    this.#maxLead = maxLead * (1 - ROUNDING);
    this.#holdMs = holdMs;
  }

  /** Takes in an attached member according to its eligibility. Remove it before you change that, then add it again. */
  add(member: Member): void {
    if (member.eligible) this.#admit(member.seat);
    else this.#idle.push(member);
  }

  remove(member: Member): void {
    const { seat } = member;
    if (!this.#open.remove(seat) && !this.#shut.remove(seat)) this.#idle.remove(member);
  }

  /** The pass or the weight of a member has changed otherwise than by a choice. */
  moved(member: Member): void {
    const { seat } = member;
    if (this.#open.remove(seat) || this.#shut.remove(seat)) this.#admit(seat);
    else if (this.#idle.has(member)) this.#idle.update(member);
  }

  /** The smallest pass of the live members. `least` has the smallest of the eligible ones. */
  floor(nowMs: number, least: Member): number {
    const slowest = this.#firstIdle(nowMs);
    return slowest === undefined ? least.pass : Math.min(least.pass, slowest.pass);
  }

  /** The smallest pass among the eligible members that need not wait for this floor. `least` as in `floor`. */
  choose(floor: number, least: Member): Member | undefined {
    if (this.#release(least) < floor) return least;
    this.#letIn(floor);
    for (let seat = this.#open.peek(); seat !== undefined; seat = this.#open.peek()) {
      const { member } = seat;
      if (seat.key < member.pass) {
        seat.key = member.pass;
        this.#open.update(seat);
      } else if (this.#release(member) < floor) {
        return member;
      } else {
        this.#open.remove(seat);
        seat.key = this.#release(member);
        this.#shut.push(seat);
      }
    }
    return undefined;
  }

  /** When the idle member that everybody waits for stops being live; undefined when it is not so. */
  wakeAtMs(nowMs: number, least: Member): number | undefined {
    const slowest = this.#firstIdle(nowMs);
    if (slowest === undefined || this.#release(least) < slowest.pass) return undefined;
    return slowest.idleSinceMs + this.#holdMs;
  }

  /** Opens to those whose release point the floor has passed; who has been chosen since it was noted is shut again. */
  #letIn(floor: number): void {
    for (let seat = this.#shut.peek(); seat !== undefined && seat.key < floor; seat = this.#shut.peek()) {
      this.#shut.remove(seat);
      this.#admit(seat);
    }
  }

  #admit(seat: Seat): void {
    seat.key = seat.member.pass;
    this.#open.push(seat);
  }

  /** The idle live member with the smallest pass. One that is no longer live matters only, and goes, when it gets here. */
  #firstIdle(nowMs: number): Member | undefined {
    let first = this.#idle.peek();
    while (first !== undefined && nowMs >= first.idleSinceMs + this.#holdMs) {
      this.#idle.remove(first);
      first = this.#idle.peek();
    }
    return first;
  }

  /** The member waits until the floor has passed this point. */
  #release(member: Member): number {
    return member.pass - this.#maxLead * member.step;
  }
}

/** Ties by id, as in `byPass`. */
function byKey(a: Seat, b: Seat): number {
  if (a.key !== b.key) return a.key - b.key;
  return a.member.id < b.member.id ? -1 : 1;
}
