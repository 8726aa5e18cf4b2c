/**
 * The head of one queue's dispatch order in memory, so that a claim needs no search on disk and a long backlog no memory.
 *
 *  W1  The window holds exactly the claimable tasks whose position is at most the horizon.
 *  W2  It holds at most twice its bound.
 */
import { SortedList } from "../sorted-list.ts";
import type { QueueState } from "./queue-state.ts";

/** A task in dispatch order. */
export interface ReadyEntry {
  /** See `readyPosition`. */
  readonly position: string;
  /** Key of the task. */
  readonly task: string;
  /** A run is recorded: something has happened to it since the insert. */
  readonly hasRun: boolean;
  readonly queue: QueueState;
}

/** Reads claimable tasks from disk, in order, that come after a position. */
export type ReadClaimable = (queue: QueueState, after: string) => Iterable<ReadyEntry>;

/** Everything is in the window. */
const NO_HORIZON = undefined;
const BEFORE_ALL = "";

/** The next tasks of a queue. */
export class ReadyWindow {
  readonly #entries = new SortedList<ReadyEntry>();
  #horizon: string | undefined;

  /** `isEmpty`: the queue has nothing on disk. */
  constructor(isEmpty: boolean) {
    this.#horizon = isEmpty ? NO_HORIZON : BEFORE_ALL;
  }

  /** Tasks in memory. */
  get size(): number {
    return this.#entries.size;
  }

  /** A task became claimable. */
  offer(entry: ReadyEntry, bound: number): void {
    if (!this.#reaches(entry.position)) return;
    this.#entries.add(entry);
    if (this.#entries.size <= 2 * bound) return;
    this.#entries.truncate(bound);
    this.#horizon = this.#entries.at(bound - 1)?.position;
  }

  /** A task stopped being claimable. */
  remove(position: string): void {
    if (this.#reaches(position)) this.#entries.remove(position);
  }

  /** The next task, which stays. */
  peek(queue: QueueState, bound: number, read: ReadClaimable): ReadyEntry | undefined {
    if (this.#entries.size === 0 && this.#horizon !== NO_HORIZON) this.#refill(queue, bound, read, this.#horizon);
    return this.#entries.at(0);
  }

  /** The next task, which leaves the window. */
  take(queue: QueueState, bound: number, read: ReadClaimable): ReadyEntry | undefined {
    this.peek(queue, bound, read);
    return this.#entries.takeFirst();
  }

  #refill(queue: QueueState, bound: number, read: ReadClaimable, after: string): void {
    for (const entry of read(queue, after)) {
      this.#entries.add(entry);
      this.#horizon = entry.position;
      if (this.#entries.size >= bound) return;
    }
    this.#horizon = NO_HORIZON;
  }

  #reaches(position: string): boolean {
    return this.#horizon === NO_HORIZON || position <= this.#horizon;
  }
}
