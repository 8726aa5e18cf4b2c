/**
 * One analyzer in the share of one queue: what outsiders may see of it, and what `share.ts` and `share-lead.ts` keep.
 */
import type { HeapNode } from "./heap.ts";
import { stepOf } from "./weight.ts";

/** An analyzer in the share of a queue. */
export interface ShareMember {
  /** Id of the analyzer. */
  readonly id: string;
  readonly weight: number;
  /** Takes part. False: it has left, and its pass is remembered. */
  readonly attached: boolean;
  /** Can take a task now: it has credit, is writable and not draining. */
  readonly eligible: boolean;
  /** Its virtual time: one task moves it on by 1 / weight. Comparable with other passes only at the same moment. */
  readonly pass: number;
}

/** A member's second place in a heap, see `share-lead.ts`. */
export class Seat implements HeapNode {
  heapIndex = -1;
  /** What the heap orders it by. */
  key = 0;
  readonly member: Member;

  constructor(member: Member) {
    this.member = member;
  }
}

/** A member with its bookkeeping. */
export class Member implements ShareMember, HeapNode {
  readonly id: string;
  attached = true;
  eligible = false;
  pass: number;
  /** Since when it is not eligible. */
  idleSinceMs: number;
  /** Among the eligible ones, or among the idle ones that are waited for. */
  heapIndex = -1;
  readonly seat: Seat = new Seat(this);
  #weight: number;
  #step: number;

  constructor(id: string, weight: number, pass: number, idleSinceMs: number) {
    this.id = id;
    this.pass = pass;
    this.idleSinceMs = idleSinceMs;
    this.#weight = weight;
    this.#step = stepOf(weight);
  }

  get weight(): number {
    return this.#weight;
  }

  /** 1 / weight. */
  get step(): number {
    return this.#step;
  }

  set weight(weight: number) {
    this.#step = stepOf(weight);
    this.#weight = weight;
  }
}

/** The order of choice: by pass, ties by id, so that the same events always lead to the same choices. */
export function byPass(a: Member, b: Member): number {
  if (a.pass !== b.pass) return a.pass - b.pass;
  return a.id < b.id ? -1 : 1;
}
