/**
 * What a loss of power does to a file: of the blocks written since its last sync, any may be missing, in any order; a file
 * that grew may have its new length or its old one; a truncation may not have taken place, and nothing after it then.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

/** The unit in which file systems write back. */
const BLOCK_BYTES = 4096;
/** `struct undo_head` of `faulty-disk.c`. */
const HEAD_BYTES = 32;
/** In this part of the cuts nothing since the last sync has reached the disk, and in the same part everything has. */
const EXTREMES = 0.15;

/** What a write or truncation replaced. */
interface Replaced {
  readonly offset: number;
  /** Of the write; 0 for a truncation to `offset`. */
  readonly length: number;
  /** What was there before; shorter than the write at the end of the file. */
  readonly old: Buffer;
  readonly oldSize: number;
}

/** Takes back a random part of what an undo file of `faulty-disk.c` lists. Returns how many blocks. */
export function revertUnsynced(file: string, undo: Buffer, random: () => number): number {
  const all = parseUndo(undo);
  const descriptor = openSync(file, "r+");
  try {
    // Truncations are kept up to one of them, and from there on nothing has happened.
    const truncations = [...all.keys()].filter((index) => all[index]?.length === 0);
    const kept = Math.floor(random() * (truncations.length + 1));
    const end = truncations[kept];
    const undone = end === undefined ? [] : all.slice(end);
    for (const each of undone.reverse()) revertWhole(descriptor, each);
    const begin = kept === 0 ? 0 : (truncations[kept - 1] ?? 0) + 1;
    return undone.length + revertBlocks(descriptor, all.slice(begin, end), random);
  } finally {
    closeSync(descriptor);
  }
}

function revertWhole(file: number, { offset, old, oldSize }: Replaced): void {
  writeSync(file, old, 0, old.length, offset);
  ftruncateSync(file, oldSize);
}

function revertBlocks(file: number, writes: readonly Replaced[], random: () => number): number {
  const [first] = writes;
  if (first === undefined) return 0;
  const lossRate = Math.min(1, Math.max(0, random() * (1 + 2 * EXTREMES) - EXTREMES));
  const lost = new Map<number, boolean>();
  let survivingEnd = first.oldSize;
  // Backwards, so that a block written twice ends as it was before the first time.
  for (const { offset, length, old } of [...writes].reverse()) {
    for (const [start, end] of blocksOf(offset, length)) {
      const block = Math.floor(start / BLOCK_BYTES);
      const isLost = lost.get(block) ?? random() < lossRate;
      lost.set(block, isLost);
      if (isLost) revertBlock(file, start, end, old.subarray(start - offset, end - offset));
      else survivingEnd = Math.max(survivingEnd, end);
    }
  }
  // Else its end reads as zeros: the new length was written down before the blocks.
  if (random() < 0.5) ftruncateSync(file, survivingEnd);
  return [...lost.values()].filter(Boolean).length;
}

/** The parts of a write that lie in one block each. */
function* blocksOf(offset: number, length: number): Generator<readonly [start: number, end: number]> {
  for (let start = offset; start < offset + length; ) {
    const end = Math.min((Math.floor(start / BLOCK_BYTES) + 1) * BLOCK_BYTES, offset + length);
    yield [start, end];
    start = end;
  }
}

/** What was beyond the end of the file reads as zeros where later blocks have survived. */
function revertBlock(file: number, start: number, end: number, old: Buffer): void {
  const block = Buffer.alloc(end - start);
  old.copy(block);
  writeSync(file, block, 0, block.length, start);
}

/** The last record may be cut: its write never took place. */
function parseUndo(undo: Buffer): Replaced[] {
  const replaced: Replaced[] = [];
  let position = 0;
  while (position + HEAD_BYTES <= undo.length) {
    const field = (index: number): number => Number(undo.readBigUInt64LE(position + 8 * index));
    const start = position + HEAD_BYTES;
    const end = start + field(2);
    if (end > undo.length) break;
    replaced.push({ offset: field(0), length: field(1), old: undo.subarray(start, end), oldSize: field(3) });
    position = end;
  }
  return replaced;
}
