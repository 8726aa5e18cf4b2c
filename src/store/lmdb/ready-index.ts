/**
 * Dispatch order on disk, and who of it can be claimed: the table `ready` holds every PENDING and RUNNING task, the window
 * of each queue the head of what is claimable.
 *
 *  I1  A task becomes claimable when the commit that made it PENDING has settled, not before.
 *  I2  A claimed task is not claimable; its entry stays on disk.
 *  I3  The index and the count of a queue, which come from different records, agree at the end of the order: an entry that
 *      damage has taken away or put elsewhere is not passed over in silence.
 */
import { StoreFailedError } from "../port.ts";
import { ID_BYTES } from "../positions.ts";
import type { Claims } from "./claims.ts";
import { prefixRange, QUEUE_KEY_BYTES, queueKey } from "./keys.ts";
import type { QueueState } from "./queue-state.ts";
import type { ReadyEntry } from "./ready-window.ts";
import type { Table } from "./table.ts";
import { type TaskPlace, taskOf } from "./task-records.ts";

/** Most entries of all windows together: what a long backlog may cost in memory. Twice that, as windows grow before a cut. */
const ALL_WINDOWS_ENTRIES = 262_144;
const MAX_WINDOW_ENTRIES = 4096;
const MIN_WINDOW_ENTRIES = 16;

/** What follows the key of the task in an entry. Three bits apart: one that flips is noticed. */
const RUN = "r";
const NO_RUN = "n";

/** Dispatch order of all queues. */
export class ReadyIndex {
  readonly #table: Table;
  readonly #claims: Claims;
  readonly #queueCount: () => number;
  /** By task: PENDING, not yet durable. */
  #arriving = new Map<string, ReadyEntry>();
  #sealed = new Map<string, ReadyEntry>();

  constructor(table: Table, claims: Claims, queueCount: () => number) {
    this.#table = table;
    this.#claims = claims;
    this.#queueCount = queueCount;
  }

  /** A task becomes PENDING, or stays so without its claim. `hasRun`: a run is recorded. */
  enter({ task, position, queue }: TaskPlace, hasRun: boolean): void {
    this.#table.put(queueKey(queue.number) + position, Buffer.from(task + (hasRun ? RUN : NO_RUN), "latin1"));
    this.#arriving.set(task, { position, task, hasRun, queue });
  }

  /** A task stops being PENDING. `isFirst`: nothing was recorded of it since the insert, so it entered once. */
  leave(place: TaskPlace, isFirst: boolean): void {
    const key = queueKey(place.queue.number) + place.position;
    if (isFirst) this.#table.retract(key);
    else this.#table.remove(key);
    const wasArriving = this.#arriving.delete(place.task) || this.#sealed.delete(place.task);
    if (!wasArriving && this.#claims.ofTask(place.task) === undefined) this.#withdraw(place);
  }

  /** Takes the next claimable task of a queue. */
  take(queue: QueueState): ReadyEntry | undefined {
    const entry = queue.window.take(queue, this.#bound, this.#read);
    if ((entry === undefined) !== queue.claimable <= 0) {
      throw new StoreFailedError(
        `the index of dispatch order is damaged: of queue ${queue.name} ${queue.claimable} tasks are ready, and it has ` +
          (entry === undefined ? "none" : "more"),
      );
    }
    if (entry !== undefined) queue.claimable -= 1;
    return entry;
  }

  /** The next claimable task of a queue, which stays. */
  peek(queue: QueueState): ReadyEntry | undefined {
    return queue.window.peek(queue, this.#bound, this.#read);
  }

  /** Takes one task, wherever in the order it is; says whether it was claimable. It must be PENDING. */
  takeThis(place: TaskPlace): boolean {
    if (this.#isArriving(place.task) || this.#claims.ofTask(place.task) !== undefined) return false;
    this.#withdraw(place);
    return true;
  }

  /** A commit begins. */
  seal(): void {
    this.#sealed = this.#arriving;
    this.#arriving = new Map();
  }

  /** The commit has settled. */
  settle(): void {
    const bound = this.#bound;
    for (const entry of this.#sealed.values()) {
      entry.queue.claimable += 1;
      entry.queue.window.offer(entry, bound);
    }
    this.#sealed = new Map();
  }

  get #bound(): number {
    const share = Math.floor(ALL_WINDOWS_ENTRIES / Math.max(1, this.#queueCount()));
    return Math.min(MAX_WINDOW_ENTRIES, Math.max(MIN_WINDOW_ENTRIES, share));
  }

  #withdraw(place: TaskPlace): void {
    place.queue.claimable -= 1;
    place.queue.window.remove(place.position);
  }

  #isArriving(task: string): boolean {
    return this.#arriving.has(task) || this.#sealed.has(task);
  }

  readonly #read = (queue: QueueState, after: string): Iterable<ReadyEntry> => this.#claimable(queue, after);

  *#claimable(queue: QueueState, after: string): Generator<ReadyEntry> {
    for (const { key, value } of this.#table.range(prefixRange(queueKey(queue.number), after, false))) {
      const task = taskOf(value);
      const isFree = !this.#isArriving(task) && this.#claims.ofTask(task) === undefined;
      if (isFree) yield { position: key.slice(QUEUE_KEY_BYTES), task, hasRun: hasRunOf(value), queue };
    }
  }
}

function hasRunOf(value: Buffer): boolean {
  const mark = value.toString("latin1", ID_BYTES);
  if (mark !== RUN && mark !== NO_RUN) throw new StoreFailedError("the index of dispatch order has a damaged entry");
  return mark === RUN;
}
