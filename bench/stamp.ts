/**
 * The time of submission, carried inside the payload: emitters and analyzers of the bench are one process with one clock,
 * so that the handler can tell how long its task was under way.
 */

const TIME_OFFSET = 0;
const PHASE_OFFSET = 8;

/** What a task belongs to: tasks of the warm-up are not counted. */
export type Phase = "warmup" | "measured";

/** Makes a payload of this many bytes. Time is monotonic, in milliseconds. */
export function stampPayload(bytes: number, phase: Phase, intendedMs: number): Uint8Array {
  const payload = new Uint8Array(bytes);
  const view = new DataView(payload.buffer);
  view.setFloat64(TIME_OFFSET, intendedMs);
  view.setUint8(PHASE_OFFSET, phase === "measured" ? 1 : 0);
  return payload;
}

/** Reads back what `stampPayload` wrote. */
export function readStamp(payload: Uint8Array): { readonly phase: Phase; readonly intendedMs: number } {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return {
    phase: view.getUint8(PHASE_OFFSET) === 1 ? "measured" : "warmup",
    intendedMs: view.getFloat64(TIME_OFFSET),
  };
}
