/**
 * The envelope of every record on disk, and the writing and reading of its fields.
 *
 *     offset 0  version of the record's format, 1 byte
 *     offset 1  CRC-32 of everything after it, 4 bytes
 *     offset 5  fields, then the tail (rest of the record)
 *
 * Numbers are big-endian, lengths count bytes, text is UTF-8.
 *
 *  R1  A record that is cut, garbled or of an unknown version never reads as something else: `StoreFailedError`.
 */
import { crc32 } from "node:zlib";
import { StoreFailedError } from "../port.ts";

const CRC_OFFSET = 1;
const FIELDS_OFFSET = 5;
/** A scratch that one large record has grown beyond this is not kept. */
const KEPT_SCRATCH_BYTES = 1_048_576;
const FIRST_SCRATCH_BYTES = 65_536;

const NO_BYTES = new Uint8Array(0);

/** Writes one record after the other; keeps its scratch between them. */
export class RecordWriter {
  #scratch = Buffer.alloc(FIRST_SCRATCH_BYTES);
  #position = FIELDS_OFFSET;

  /** Begins a record. */
  begin(version: number): this {
    this.#scratch[0] = version;
    this.#position = FIELDS_OFFSET;
    return this;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#position = this.#scratch.writeUInt8(value, this.#position);
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#position = this.#scratch.writeUInt32BE(value, this.#position);
    return this;
  }

  f64(value: number): this {
    this.#reserve(8);
    this.#position = this.#scratch.writeDoubleBE(value, this.#position);
    return this;
  }

  /** Text with its length. */
  text(value: string): this {
    // UTF-8 needs at most three bytes for each of a string's units.
    this.#reserve(4 + value.length * 3);
    const length = this.#scratch.write(value, this.#position + 4, "utf8");
    this.#scratch.writeUInt32BE(length, this.#position);
    this.#position += 4 + length;
    return this;
  }

  /** Bytes with their length. */
  bytes(value: Uint8Array): this {
    this.u32(value.length);
    this.#reserve(value.length);
    this.#scratch.set(value, this.#position);
    this.#position += value.length;
    return this;
  }

  /** The record; `tail` is everything after the fields. */
  end(tail: Uint8Array = NO_BYTES): Buffer {
    const record = Buffer.allocUnsafe(this.#position + tail.length);
    this.#scratch.copy(record, 0, 0, this.#position);
    record.set(tail, this.#position);
    record.writeUInt32BE(crc32(record.subarray(FIELDS_OFFSET)), CRC_OFFSET);
    if (this.#scratch.length > KEPT_SCRATCH_BYTES) this.#scratch = Buffer.alloc(FIRST_SCRATCH_BYTES);
    return record;
  }

  #reserve(bytes: number): void {
    const needed = this.#position + bytes;
    if (needed <= this.#scratch.length) return;
    const larger = Buffer.alloc(Math.max(needed, this.#scratch.length * 2));
    this.#scratch.copy(larger, 0, 0, this.#position);
    this.#scratch = larger;
  }
}

/** Reads the fields of one record in the order in which they were written. */
export class RecordReader {
  readonly #record: Buffer;
  readonly #what: string;
  #position = FIELDS_OFFSET;

  /** `what` names the record in errors, `version` is the only one that is known. Throws `StoreFailedError`. */
  constructor(record: Buffer, what: string, version: number) {
    this.#record = record;
    this.#what = what;
    if (record.length < FIELDS_OFFSET) this.fail("it is cut off");
    if (crc32(this.#record.subarray(FIELDS_OFFSET)) !== this.#record.readUInt32BE(CRC_OFFSET)) {
      this.fail("its checksum is wrong");
    }
    if (record[0] !== version) {
      this.fail(`its format has version ${record[0]}, this program knows ${version}: use the program that wrote it`);
    }
  }

  u8(): number {
    return this.#record.readUInt8(this.#advance(1));
  }

  u32(): number {
    return this.#record.readUInt32BE(this.#advance(4));
  }

  f64(): number {
    return this.#record.readDoubleBE(this.#advance(8));
  }

  text(): string {
    const length = this.u32();
    const start = this.#advance(length);
    return this.#record.toString("utf8", start, start + length);
  }

  bytes(): Uint8Array {
    const length = this.u32();
    return this.#view(this.#advance(length), length);
  }

  /** Everything after the fields read so far. */
  tail(): Uint8Array {
    return this.#view(this.#position, this.#record.length - this.#position);
  }

  /** Says that the record is damaged. */
  fail(reason: string): never {
    throw new StoreFailedError(`the record of ${this.#what} is damaged: ${reason}`);
  }

  /** A plain array: nothing above the store should see the reading aid. */
  #view(start: number, length: number): Uint8Array {
    return new Uint8Array(this.#record.buffer, this.#record.byteOffset + start, length);
  }

  #advance(bytes: number): number {
    const start = this.#position;
    if (start + bytes > this.#record.length) this.fail("it is cut off");
    this.#position += bytes;
    return start;
  }
}
