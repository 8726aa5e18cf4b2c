/**
 * The tasks of an emitter between `submit` and the node's answer. Pure bookkeeping: no clock, no I/O, no promises.
 *
 * A task is outside (no room yet), waiting (to be put into a batch), sent (in a batch, or put aside for a retry) or
 * settled (answered or dropped).
 *
 * Invariants:
 *  B1  Inside (waiting and sent) there are at most `maxTasks` tasks and `maxBytes` bytes, except that one task alone may be
 *      larger than `maxBytes`.
 *  B2  Batches follow the order of submission; what is given back takes its place again.
 *  B3  A batch has at most `maxBatchTasks` tasks and `maxBatchBytes` bytes, or one larger task alone.
 *  B4  Every task is settled exactly once, however often it was sent.
 */
import type { BufferedTask, SubmitSink } from "./buffered-task.ts";
import { TaskList } from "./task-list.ts";

/** Limits of a buffer. */
export interface BufferLimits {
  readonly maxTasks: number;
  readonly maxBytes: number;
  readonly maxBatchTasks: number;
  readonly maxBatchBytes: number;
}

interface FlushMark {
  readonly sequence: number;
  remaining: number;
  readonly done: () => void;
}

/** See the top of the file. */
export class SubmitBuffer {
  readonly #limits: BufferLimits;
  readonly #outside = new TaskList();
  readonly #waiting = new TaskList();
  #insideTasks = 0;
  #insideBytes = 0;
  #sequence = 0;
  #flushes: FlushMark[] = [];

  constructor(limits: BufferLimits) {
    this.#limits = limits;
  }

  /** Tasks that could go into a batch now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Tasks inside: waiting and sent. */
  get inside(): number {
    return this.#insideTasks;
  }

  /** All that is not settled, also outside. */
  get unsettled(): number {
    return this.#insideTasks + this.#outside.size;
  }

  /** Takes a task. False: there is no room, it is outside until its sink hears `admitted`. */
  add(task: BufferedTask, nowMs: number): boolean {
    task.sequence = ++this.#sequence;
    task.sinceMs = nowMs;
    if (this.#outside.size === 0 && this.#hasRoom(task)) {
      this.#admit(task);
      return true;
    }
    this.#outside.append(task);
    return false;
  }

  /** The next batch; empty when nothing waits. Its tasks are sent from now on. */
  take(): BufferedTask[] {
    const batch: BufferedTask[] = [];
    let bytes = 0;
    for (let task = this.#waiting.first; task !== undefined; task = this.#waiting.first) {
      bytes += task.bytes;
      if (batch.length > 0 && (bytes > this.#limits.maxBatchBytes || batch.length === this.#limits.maxBatchTasks))
        break;
      this.#waiting.remove(task);
      task.state = "sent";
      batch.push(task);
    }
    return batch;
  }

  /** Sent tasks wait again, in their places. Those settled meanwhile are left out. */
  giveBack(batch: readonly BufferedTask[]): void {
    let place = this.#waiting.first;
    for (const task of batch) {
      if (task.state !== "sent") continue;
      while (place !== undefined && place.sequence < task.sequence) place = place.next;
      task.state = "waiting";
      this.#waiting.insertBefore(task, place);
    }
  }

  /** A task is answered or dropped: makes room. False: it was settled before. */
  settle(task: BufferedTask): boolean {
    if (task.state === "settled") return false;
    if (task.state === "outside") this.#outside.remove(task);
    else {
      if (task.state === "waiting") this.#waiting.remove(task);
      this.#insideTasks--;
      this.#insideBytes -= task.bytes;
    }
    task.state = "settled";
    this.#admitOutside();
    if (this.#flushes.length > 0) this.#countFlushes(task);
    return true;
  }

  /** Tasks that wait for a batch or for room and came from this sink, in order. */
  unsentOf(sink: SubmitSink): BufferedTask[] {
    return [...this.#waiting, ...this.#outside].filter((task) => task.sink === sink);
  }

  /** Waiting tasks that came in, or began to fail, at or before a time. `failingSinceMs` is when sending began to fail. */
  expired(failingSinceMs: number, untilMs: number): BufferedTask[] {
    const expired: BufferedTask[] = [];
    for (const list of [this.#waiting, this.#outside]) {
      for (const task of list) {
        if (Math.max(task.sinceMs, failingSinceMs) <= untilMs) expired.push(task);
      }
    }
    return expired;
  }

  /** Calls back, at once if nothing is unsettled, when all that was added so far is settled. */
  whenSettled(done: () => void): void {
    if (this.unsettled === 0) done();
    else this.#flushes.push({ sequence: this.#sequence, remaining: this.unsettled, done });
  }

  #hasRoom(task: BufferedTask): boolean {
    if (this.#insideTasks === 0) return true;
    return this.#insideTasks < this.#limits.maxTasks && this.#insideBytes + task.bytes <= this.#limits.maxBytes;
  }

  #admit(task: BufferedTask): void {
    this.#insideTasks++;
    this.#insideBytes += task.bytes;
    task.state = "waiting";
    this.#waiting.append(task);
  }

  #admitOutside(): void {
    for (let task = this.#outside.first; task !== undefined && this.#hasRoom(task); task = this.#outside.first) {
      this.#outside.remove(task);
      this.#admit(task);
      task.sink.admitted();
    }
  }

  #countFlushes(settled: BufferedTask): void {
    for (const flush of this.#flushes) {
      if (settled.sequence <= flush.sequence && --flush.remaining === 0) flush.done();
    }
    this.#flushes = this.#flushes.filter((flush) => flush.remaining > 0);
  }
}
