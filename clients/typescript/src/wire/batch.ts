/**
 * Puts already encoded tasks together to a `sluice.v1.SubmitBatchRequest`. A task is encoded once, when it is submitted:
 * its size is then known, later changes by the caller do no harm, and every retry sends the very same bytes.
 */

/** Tag of `SubmitBatchRequest.tasks`: field 1, length-delimited. */
const TASKS_TAG = 0x0a;
const VARINT_MORE = 0x80;
const VARINT_BITS = 7;

/** Bytes that a task takes in a batch. */
export function framedBytes(taskBytes: number): number {
  let size = 2 + taskBytes;
  for (let rest = taskBytes >>> VARINT_BITS; rest > 0; rest >>>= VARINT_BITS) size++;
  return size;
}

/** The encoded request. */
export function encodeBatch(tasks: readonly { readonly encoded: Uint8Array }[]): Uint8Array {
  let total = 0;
  for (const { encoded } of tasks) total += framedBytes(encoded.length);
  const batch = Buffer.allocUnsafe(total);
  let at = 0;
  for (const { encoded } of tasks) {
    batch[at++] = TASKS_TAG;
    let length = encoded.length;
    for (; length >= VARINT_MORE; length >>>= VARINT_BITS) batch[at++] = (length & (VARINT_MORE - 1)) | VARINT_MORE;
    batch[at++] = length;
    batch.set(encoded, at);
    at += encoded.length;
  }
  return batch;
}
