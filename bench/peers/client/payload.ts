/**
 * The payload of every task: ASCII, so that systems which take text and systems which take bytes carry the same, with the
 * time at which its submit was due, its phase and its number in the phase at the front.
 */

/** What a payload says. */
export interface Stamp {
  /** On the machine's clock. */
  readonly dueMs: number;
  readonly phase: number;
  /** From 0, in the phase. */
  readonly sequence: number;
}

const TIME_DIGITS = 16;
const PHASE_END = TIME_DIGITS + 2;
const SEQUENCE_END = PHASE_END + 10;

/** Smallest payload there is room for a stamp in. */
export const MIN_PAYLOAD_BYTES = SEQUENCE_END;

/** Makes payloads of one size. */
export class PayloadMaker {
  readonly #filler: Buffer;

  /** @param bytes at least MIN_PAYLOAD_BYTES */
  constructor(bytes: number) {
    if (bytes < MIN_PAYLOAD_BYTES) throw new Error(`a payload has at least ${MIN_PAYLOAD_BYTES} bytes, not ${bytes}`);
    this.#filler = Buffer.alloc(bytes, "abcdefghijklmnopqrstuvwxyz0123456789");
  }

  make({ dueMs, phase, sequence }: Stamp): Buffer {
    const payload = Buffer.allocUnsafe(this.#filler.length);
    this.#filler.copy(payload);
    const time = String(Math.round(dueMs * 1000)).padStart(TIME_DIGITS, "0");
    payload.write(time + String(phase).padStart(2, "0") + String(sequence).padStart(10, "0"), 0, "latin1");
    return payload;
  }
}

/** Reads what a payload says, to the microsecond. */
export function readPayload(payload: Uint8Array | string): Stamp {
  const text = typeof payload === "string" ? payload : textOf(payload);
  return {
    dueMs: Number(text.slice(0, TIME_DIGITS)) / 1000,
    phase: Number(text.slice(TIME_DIGITS, PHASE_END)),
    sequence: Number(text.slice(PHASE_END, SEQUENCE_END)),
  };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1", 0, SEQUENCE_END);
}
