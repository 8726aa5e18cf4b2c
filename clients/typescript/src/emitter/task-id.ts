/**
 * Ids of new tasks: UUIDv7, ascending within this process, so that the order of ids is the order of submission.
 *
 * Random bytes are drawn in bulk: one draw per id costs more than everything else about submitting a task.
 */
import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";

const RANDOM_BYTES_PER_ID = 16;
const POOL = new Uint8Array(RANDOM_BYTES_PER_ID * 512);
const MAX_SEQUENCE = 0xffff_ffff;
/** A new millisecond starts in the lower half of the sequence, so that it seldom runs over. */
const START_MASK = 0x7fff_ffff;

let used = POOL.length;
let lastMs = 0;
let sequence = 0;

/** A new id. */
export function newTaskId(): string {
  const random = nextRandom();
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    sequence = Buffer.from(random.buffer, random.byteOffset).readUInt32LE() & START_MASK;
  } else if (sequence < MAX_SEQUENCE) {
    sequence++;
  } else {
    lastMs++;
    sequence = 0;
  }
  return v7({ random, msecs: lastMs, seq: sequence });
}

function nextRandom(): Uint8Array {
  if (used === POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  used += RANDOM_BYTES_PER_ID;
  return POOL.subarray(used - RANDOM_BYTES_PER_ID, used);
}
