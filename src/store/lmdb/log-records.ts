/**
 * The layout of a log file: what was written to the tables since the last checkpoint, one record per commit.
 *
 *     file       magic, 8 bytes; generation, 8; CRC-32 of both, 4
 *     record     bytes of its operations, 4; number of the record in the file, 4; CRC-32 of those and the generation, 4;
 *                CRC-32 of the operations, 4; operations
 *     operation  number of the table and kind, 1; bytes of the key, 2; bytes of the value, 4 (only when it is put); both
 *
 * Numbers are big-endian; the generation is a double, as it may outgrow 32 bits.
 *
 *  F1  A record that a crash cut short, which nobody was told was durable, is the end of its file.
 *  F2  Anything else that is not as it was written is damage: `StoreOpenError`. A length that a flipped bit has made too
 *      large is damage as well, and not a cut: the head of a record has a checksum of its own.
 */
import { crc32 } from "node:zlib";

const MAGIC = Buffer.from("SLUICE-1");
const FILE_HEAD_BYTES = 20;
const RECORD_HEAD_BYTES = 16;
const HEAD_CRC_OFFSET = 8;
const BODY_CRC_OFFSET = 12;
const REMOVAL = 0x80;
const OPERATION_HEAD_BYTES = 7;
const FIRST_BUFFER_BYTES = 65_536;
/** A buffer that one large commit has made grow beyond this is not kept. */
const KEPT_BUFFER_BYTES = 4_194_304;
/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

/** Something that was written to a table. */
export interface Operation {
  /** Number of the table. */
  readonly table: number;
  readonly key: string;
  /** Undefined: removed. */
  readonly value: Buffer | undefined;
}

/** The head of a file. */
export function encodeFileHead(generation: number): Buffer {
  const head = Buffer.alloc(FILE_HEAD_BYTES);
  MAGIC.copy(head);
  head.writeDoubleBE(generation, MAGIC.length);
  head.writeUInt32BE(crc32(head.subarray(0, FILE_HEAD_BYTES - 4)), FILE_HEAD_BYTES - 4);
  return head;
}

/** The generation of a file; undefined when a crash left none behind. `damaged` throws. */
export function readGeneration(file: Buffer, damaged: (reason: string) => never): number | undefined {
  if (file.length < FILE_HEAD_BYTES || isBlank(file, 0)) return undefined;
  const isWhole = crc32(file.subarray(0, FILE_HEAD_BYTES - 4)) === file.readUInt32BE(FILE_HEAD_BYTES - 4);
  if (!isWhole || !file.subarray(0, MAGIC.length).equals(MAGIC)) damaged("its head is not one of this program");
  return file.readDoubleBE(MAGIC.length);
}

/** Collects the operations of one commit and makes a record of them. */
export class RecordBuffer {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES);
  #length = RECORD_HEAD_BYTES;

  get isEmpty(): boolean {
    return this.#length === RECORD_HEAD_BYTES;
  }

  put(table: number, key: string, value: Buffer): void {
    const at = this.#begin(table, key, value.length);
    this.#bytes.writeUInt32BE(value.length, at);
    this.#writeKey(key, at + 4);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  remove(table: number, key: string): void {
    this.#writeKey(key, this.#begin(table | REMOVAL, key, 0));
  }

  /** The record of what was collected. It is valid until `clear`. */
  seal(generation: number, number: number): Buffer {
    const record = this.#bytes.subarray(0, this.#length);
    record.writeUInt32BE(this.#length - RECORD_HEAD_BYTES, 0);
    record.writeUInt32BE(number, 4);
    record.writeUInt32BE(headCrc(record, generation), HEAD_CRC_OFFSET);
    record.writeUInt32BE(crc32(record.subarray(RECORD_HEAD_BYTES)), BODY_CRC_OFFSET);
    return record;
  }

  clear(): void {
    this.#length = RECORD_HEAD_BYTES;
    if (this.#bytes.length > KEPT_BUFFER_BYTES) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES);
  }

  #begin(tableAndKind: number, key: string, valueBytes: number): number {
    const needed = this.#length + OPERATION_HEAD_BYTES + key.length + valueBytes;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#bytes[this.#length] = tableAndKind;
    this.#bytes[this.#length + 1] = key.length >>> 8;
    this.#bytes[this.#length + 2] = key.length;
    return this.#length + 3;
  }

  /** Keys are short byte strings: a call into native code would take longer. */
  #writeKey(key: string, start: number): void {
    for (let at = 0; at < key.length; at++) this.#bytes[start + at] = key.charCodeAt(at);
    this.#length = start + key.length;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** The operations of a file in order, up to a record that was cut short. `damaged` throws. */
export function* readOperations(
  file: Buffer,
  generation: number,
  damaged: (reason: string) => never,
): Generator<Operation> {
  let start = FILE_HEAD_BYTES;
  for (let number = 0; start + RECORD_HEAD_BYTES <= file.length; number++) {
    const head = file.subarray(start, start + RECORD_HEAD_BYTES);
    const isWhole = headCrc(head, generation) === head.readUInt32BE(HEAD_CRC_OFFSET) && head.readUInt32BE(4) === number;
    if (!isWhole) {
      const isCut = hasBlankSector(file, start, start + RECORD_HEAD_BYTES);
      if (isCut && !hasLaterRecord(file, start, number, generation)) return;
      damaged(`the head of record ${number}, at byte ${start}, is not as it was written`);
    }
    const bodyStart = start + RECORD_HEAD_BYTES;
    const end = bodyStart + head.readUInt32BE(0);
    if (end > file.length) return;
    const body = file.subarray(bodyStart, end);
    if (crc32(body) !== head.readUInt32BE(BODY_CRC_OFFSET)) {
      // Its head is whole, so the sector in which that begins was written.
      if (end === file.length && hasBlankSector(file, nextSector(start), end)) return;
      damaged(`record ${number}, at byte ${start}, is not as it was written`);
    }
    yield* operationsOf(body);
    start = end;
  }
}

function* operationsOf(body: Buffer): Generator<Operation> {
  let at = 0;
  while (at < body.length) {
    const tableAndKind = body.readUInt8(at);
    const keyBytes = body.readUInt16BE(at + 1);
    const isRemoval = (tableAndKind & REMOVAL) !== 0;
    const keyStart = at + (isRemoval ? 3 : OPERATION_HEAD_BYTES);
    const valueStart = keyStart + keyBytes;
    const valueBytes = isRemoval ? 0 : body.readUInt32BE(at + 3);
    const key = body.toString("latin1", keyStart, valueStart);
    const value = isRemoval ? undefined : body.subarray(valueStart, valueStart + valueBytes);
    yield { table: tableAndKind & ~REMOVAL, key, value };
    at = valueStart + valueBytes;
  }
}

/** A record of another generation in its place is no record of this one. */
function headCrc(head: Buffer, generation: number): number {
  return crc32(head.subarray(0, HEAD_CRC_OFFSET), generation >>> 0);
}

/**
 * Whether some sector that these bytes lie in is all zeros from `start` on. Of an append that a loss of power cut short, any
 * sectors may be missing while later ones are there, as a disk writes them in the order that it likes; what is missing reads
 * as zeros, because the file had ended before it.
 */
function hasBlankSector(file: Buffer, start: number, end: number): boolean {
  for (let at = start; at < Math.min(end, file.length); at = nextSector(at)) {
    if (isBlank(file, at, nextSector(at))) return true;
  }
  return false;
}

/** Whether a record follows that was written after this one: this one had been on disk then. */
function hasLaterRecord(file: Buffer, start: number, number: number, generation: number): boolean {
  const most = number + file.length / RECORD_HEAD_BYTES;
  for (let at = start + 1; at + RECORD_HEAD_BYTES <= file.length; at++) {
    const found = file.readUInt32BE(at + 4);
    if (found <= number || found > most) continue;
    const head = file.subarray(at, at + RECORD_HEAD_BYTES);
    if (headCrc(head, generation) === head.readUInt32BE(HEAD_CRC_OFFSET)) return true;
  }
  return false;
}

function nextSector(at: number): number {
  return (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES;
}

function isBlank(file: Buffer, from: number, to?: number): boolean {
  return file.subarray(from, to).every((byte) => byte === 0);
}
