/**
 * Positions: short byte strings whose byte order is the order of what they stand for. They are the keys of ordered tables
 * and the contents of page cursors.
 *
 * A byte string is a JavaScript string with one character (0 to 255) per byte: V8 keeps it at one byte each, and
 * comparing two of them with `<` compares bytes.
 *
 *  P1  a < b as tuples exactly when position(a) < position(b) as strings.
 *  P2  All positions of one kind have the same length.
 */
import { MAX_PRIORITY } from "../core/limits.ts";

/** Bytes of a task id as position. */
export const ID_BYTES = 16;
/** Bytes of a number as position. */
export const NUMBER_BYTES = 8;
/** Bytes of a place in dispatch order. */
export const READY_BYTES = 1 + 2 * NUMBER_BYTES;
/** Bytes of a place in an order of time. */
export const TIMED_BYTES = 2 * NUMBER_BYTES;

const ID_LENGTH = 36;
const HYPHENS_AT = [8, 13, 18, 23];
/** Where the two digits of each byte begin in a UUID. */
const DIGITS_AT = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const NO_DIGIT = 0xff;
/** Value of each hexadecimal digit by its character code; lower case only. */
const DIGIT_VALUES = new Uint8Array(256).fill(NO_DIGIT);
for (let value = 0; value < 16; value++) DIGIT_VALUES[value.toString(16).charCodeAt(0)] = value;

const scratch = Buffer.alloc(64);

/** Position of a task by id; undefined when the text is not a UUID in canonical lower-case form, so that no task has it. */
export function idPosition(id: string): string | undefined {
  // By hand, as it runs for every task of every verb: a regular expression and `Buffer` are three times as slow.
  if (id.length !== ID_LENGTH || HYPHENS_AT.some((at) => id[at] !== "-")) return undefined;
  let seen = 0;
  for (let index = 0; index < ID_BYTES; index++) {
    const at = DIGITS_AT[index] ?? 0;
    const high = DIGIT_VALUES[id.charCodeAt(at)] ?? NO_DIGIT;
    const low = DIGIT_VALUES[id.charCodeAt(at + 1)] ?? NO_DIGIT;
    seen |= high | low;
    scratch[index] = (high << 4) | low;
  }
  return seen > 0xf ? undefined : scratch.toString("latin1", 0, ID_BYTES);
}

/** Position of a task that is to be stored. Throws TypeError when the id is not a UUID in canonical lower-case form. */
export function newTaskPosition(id: string): string {
  const position = idPosition(id);
  if (position === undefined)
    throw new TypeError(`a task's id must be a UUID in lower case, got ${JSON.stringify(id)}`);
  return position;
}

/** The inverse of `idPosition`. */
export function idOf(position: string): string {
  scratch.write(position, 0, ID_BYTES, "latin1");
  const hex = scratch.toString("hex", 0, ID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Place in dispatch order: priority (higher first), fairness start tag, submission. */
export function readyPosition(priority: number, startTag: number, sequence: number): string {
  scratch[0] = MAX_PRIORITY - priority;
  scratch.writeDoubleBE(startTag, 1);
  scratch.writeDoubleBE(sequence, 1 + NUMBER_BYTES);
  return scratch.toString("latin1", 0, READY_BYTES);
}

/** Place in an order of time: by wall clock, then submission. */
export function timedPosition(timeMs: number, sequence: number): string {
  scratch.writeDoubleBE(timeMs, 0);
  scratch.writeDoubleBE(sequence, NUMBER_BYTES);
  return scratch.toString("latin1", 0, TIMED_BYTES);
}

/** The time of a place in an order of time. */
export function timeOf(position: string): number {
  scratch.write(position, 0, NUMBER_BYTES, "latin1");
  return scratch.readDoubleBE(0);
}

/** A number of at least 0. IEEE 754 doubles of that kind order like their bytes. */
export function numberPosition(value: number): string {
  scratch.writeDoubleBE(value, 0);
  return scratch.toString("latin1", 0, NUMBER_BYTES);
}
