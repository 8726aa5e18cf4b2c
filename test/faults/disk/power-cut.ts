/**
 * What a loss of power does to a file: of the blocks written since the last sync, any may be missing.
 */
import { closeSync, openSync, writeSync } from "node:fs";

/** The unit in which file systems write back. */
const BLOCK_BYTES = 4096;
const HEAD_BYTES = 24;

/** What a write replaced. */
interface Replaced {
  readonly offset: number;
  /** Of the write. */
  readonly length: number;
  /** What was there before; shorter than the write at the end of the file. */
  readonly old: Buffer;
}

/**
 * Reverts a random part of the blocks in an undo file of `faulty-disk.c` to what they were at the last sync. Returns how
 * many.
 */
export function revertUnsynced(dataFile: string, undo: Buffer, random: () => number): number {
  const replaced = parseUndo(undo);
  // In each power cut another part is lost, all and nothing included.
  const lossRate = random() < 0.2 ? 1 : random();
  const lost = new Map<number, boolean>();
  const file = openSync(dataFile, "r+");
  try {
    // Backwards, so that a block written twice ends as it was before the first time.
    for (const { offset, length, old } of replaced.reverse()) {
      for (let start = 0; start < length; start += BLOCK_BYTES) {
        const block = Math.floor((offset + start) / BLOCK_BYTES);
        if (!lost.has(block)) lost.set(block, random() < lossRate);
        if (lost.get(block) !== true) continue;
        revertBlock(
          file,
          offset + start,
          old.subarray(start, start + BLOCK_BYTES),
          Math.min(BLOCK_BYTES, length - start),
        );
      }
    }
  } finally {
    closeSync(file);
  }
  return [...lost.values()].filter(Boolean).length;
}

/** What was beyond the end of the file reads as zeros where later blocks have survived. */
function revertBlock(file: number, offset: number, old: Buffer, length: number): void {
  const block = Buffer.alloc(length);
  old.copy(block);
  writeSync(file, block, 0, length, offset);
}

/** The last record may be cut: its write never took place. */
function parseUndo(undo: Buffer): Replaced[] {
  const replaced: Replaced[] = [];
  let position = 0;
  while (position + HEAD_BYTES <= undo.length) {
    const offset = Number(undo.readBigUInt64LE(position));
    const length = Number(undo.readBigUInt64LE(position + 8));
    const oldLength = Number(undo.readBigUInt64LE(position + 16));
    const start = position + HEAD_BYTES;
    if (start + oldLength > undo.length) break;
    replaced.push({ offset, length, old: undo.subarray(start, start + oldLength) });
    position = start + oldLength;
  }
  return replaced;
}
