/**
 * A doubly linked list through the tasks themselves: a task leaves from the middle (an abort) or returns to its place (a
 * retry) without moving the others. A task is in at most one list.
 */
import type { BufferedTask } from "./buffered-task.ts";

/** See the top of the file. */
export class TaskList implements Iterable<BufferedTask> {
  first: BufferedTask | undefined;
  #last: BufferedTask | undefined;
  size = 0;

  append(task: BufferedTask): void {
    this.insertBefore(task, undefined);
  }

  /** Puts a task before another one; at the end for undefined. */
  insertBefore(task: BufferedTask, place: BufferedTask | undefined): void {
    const previous = place === undefined ? this.#last : place.previous;
    task.previous = previous;
    task.next = place;
    if (previous === undefined) this.first = task;
    else previous.next = task;
    if (place === undefined) this.#last = task;
    else place.previous = task;
    this.size++;
  }

  remove(task: BufferedTask): void {
    if (task.previous === undefined) this.first = task.next;
    else task.previous.next = task.next;
    if (task.next === undefined) this.#last = task.previous;
    else task.next.previous = task.previous;
    task.previous = undefined;
    task.next = undefined;
    this.size--;
  }

  *[Symbol.iterator](): Iterator<BufferedTask> {
    for (let task = this.first; task !== undefined; task = task.next) yield task;
  }
}
