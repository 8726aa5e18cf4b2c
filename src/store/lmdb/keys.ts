/**
 * Keys of the tables on disk: byte strings made of positions (`../positions.ts`), each behind what it is grouped by.
 *
 *     tasks, runs, cancelling   id
 *     ready                     queue number, place in dispatch order
 *     timers                    due time, submission
 *     ended                     queue number, state, end time, submission
 *     queues                    queue number
 *     fair                      queue number, priority, fairness key (UTF-8)
 */
import type { EndState } from "../../core/task.ts";
import type { Range } from "./table.ts";

/** Bytes of a queue number at the start of a key. */
export const QUEUE_KEY_BYTES = 4;
/** Codes of the states in keys of `ended`: never reuse one. */
const STATE_KEYS: Readonly<Record<EndState, string>> = { COMPLETED: "1", FAILED: "2", CANCELLED: "3" };

/** What the keys of a queue begin with. */
export function queueKey(queueNumber: number): string {
  return String.fromCharCode(
    (queueNumber >>> 24) & 0xff,
    (queueNumber >>> 16) & 0xff,
    (queueNumber >>> 8) & 0xff,
    queueNumber & 0xff,
  );
}

/** The queue number at the start of a key. */
export function queueNumberOf(key: string): number {
  return Buffer.from(key.slice(0, QUEUE_KEY_BYTES), "latin1").readUInt32BE();
}

/** What the keys of a queue's ended tasks in one state begin with. */
export function endedPrefix(queueNumber: number, state: EndState): string {
  return queueKey(queueNumber) + STATE_KEYS[state];
}

/** Key of a fairness key's finish tag. */
export function fairKey(queueNumber: number, priority: number, name: string): string {
  return queueKey(queueNumber) + String.fromCharCode(priority) + Buffer.from(name, "utf8").toString("latin1");
}

/** All keys that begin with a prefix; `after` leaves out those up to and including that one, in the direction given. */
export function prefixRange(prefix: string, after: string | undefined, reverse: boolean): Range {
  const to = successor(prefix);
  if (after === undefined) return { from: prefix, to, reverse };
  return reverse ? { from: prefix, to: prefix + after, reverse } : { from: `${prefix + after}\0`, to, reverse };
}

/** The smallest key greater than all that begin with a prefix. The empty prefix has every key. */
function successor(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  if (prefix === "") return AFTER_EVERY_KEY;
  return last === 0xff ? successor(prefix.slice(0, -1)) : prefix.slice(0, -1) + String.fromCharCode(last + 1);
}

/** Longer than any key that is made of bytes 0xff only could be. */
export const AFTER_EVERY_KEY = "\xff".repeat(64);
