/**
 * The rules of single values that come over the wire. Every refusal is INVALID_ARGUMENT, names the field and says what
 * is allowed.
 */
import { SluiceError } from "../../core/errors.ts";
import { MAX_NAME_BYTES, MAX_WEIGHT, MIN_WEIGHT } from "../../core/limits.ts";

/** Length of a UUID in canonical form. */
export const ID_LENGTH = 36;

// Both forms are checked for every task, and regular expressions took a fifth of the time that reading one takes.
const NAME_CHARACTERS = characterSet(/[A-Za-z0-9._:/-]/);
const HEX_CHARACTERS = characterSet(/[0-9a-f]/);
const DASH = "-".charCodeAt(0);

/** For each ASCII character: 1 if it matches. */
function characterSet(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => Number(pattern.test(String.fromCharCode(code))));
}

function isName(text: string): boolean {
  if (text.length === 0 || text.length > MAX_NAME_BYTES) return false;
  for (let at = 0; at < text.length; at++) {
    if (NAME_CHARACTERS[text.charCodeAt(at)] !== 1) return false;
  }
  return true;
}

function isId(text: string): boolean {
  if (text.length !== ID_LENGTH) return false;
  for (let at = 0; at < ID_LENGTH; at++) {
    const code = text.charCodeAt(at);
    const isDash = at === 8 || at === 13 || at === 18 || at === 23;
    if (isDash ? code !== DASH : HEX_CHARACTERS[code] !== 1) return false;
  }
  return true;
}

/** A refusal. */
export function invalid(message: string): SluiceError {
  return new SluiceError("INVALID_ARGUMENT", message);
}

/** Refuses what is not a name of a queue or an analyzer. */
export function checkName(value: string, field: string): void {
  if (!isName(value)) throw invalid(`${field} must be 1 to ${MAX_NAME_BYTES} of the characters A-Z a-z 0-9 . _ : / -`);
}

/** Refuses what is not the id of a task. */
export function checkId(value: string, field: string): void {
  if (!isId(value)) throw invalid(`${field} must be a UUID of ${ID_LENGTH} characters in lower case`);
}

/** A weight that has the default 1 when it is not set (0). */
export function weightOrOne(value: number, field: string): number {
  const weight = value === 0 ? 1 : value;
  checkWeight(weight, field);
  return weight;
}

/** Refuses what is not a weight. */
export function checkWeight(value: number, field: string): void {
  // Also false for NaN.
  if (!(value >= MIN_WEIGHT && value <= MAX_WEIGHT)) throw invalid(`${field} must be ${MIN_WEIGHT} to ${MAX_WEIGHT}`);
}

/** Refuses a number outside of the bounds, both of which are allowed. */
export function checkRange(value: number, least: number, most: number, field: string): void {
  if (!(value >= least && value <= most)) throw invalid(`${field} must be ${least} to ${most}`);
}

/** Refuses more items than allowed. */
export function checkCount(count: number, most: number, field: string): void {
  if (count > most) throw invalid(`${field} may have at most ${most} entries`);
}

/** Runs a decoder. Whatever malformed bytes make it throw becomes INVALID_ARGUMENT. */
export function refusingMalformed<T>(message: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw asRefusal(message, error);
  }
}

/** The refusal of a message that could not be read. */
export function asRefusal(message: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return invalid(`not a valid sluice.v1.${message}: ${detail}`);
}
