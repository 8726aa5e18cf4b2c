/**
 * Reads the protobuf wire format strictly: what a reader in another language might refuse is refused here, before it is
 * stored and delivered to it.
 *
 * Invariants:
 *  R1  Every refusal is an error that is thrown; no read goes beyond the message, none loops without progress.
 *  R2  Strings are valid UTF-8 and no longer than their limit.
 *  R3  A nested message ends exactly where its length says.
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { checkCount, invalid } from "./checks.ts";

/** Nested groups in unknown fields. Readers allow 100 levels of nesting in all, and deliveries add some to a task's. */
const MAX_GROUP_DEPTH = 16;
/** Leases that are larger cannot be read as a number, and no node ever issues them. */
const MAX_LEASE_HIGH_HALF = 0x1f_ffff;
/** Stands for a lease that cannot exist. On the wire it is 2^64 - 1. */
export const IMPOSSIBLE_LEASE = -1;

const MAX_VARINT_BYTES = 10;
/** Length up to which building a string from its characters was measured to be the faster way. */
const MAX_SHORT_TEXT = 16;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A strict reader over one received message. */
export class WireReader extends BinaryReader {
  /** What is being read. */
  readonly buffer: Buffer;

  constructor(buffer: Buffer) {
    super(buffer);
    this.buffer = buffer;
  }

  /** Reads a length and returns the position at which the nested message ends. */
  enter(): number {
    const end = this.uint32() + this.pos;
    if (end > this.len) throw new RangeError("a field is longer than the message");
    return end;
  }

  /** Checks that a nested message was read to its end and no further. */
  leave(end: number): void {
    if (this.pos !== end) throw new RangeError("a field is longer than the message that contains it");
  }

  /** Reads the tag of the next field: number and wire type in one. */
  next(): number {
    const byte = this.buffer[this.pos];
    if (byte !== undefined && byte < 0x80 && byte >= 8 && (byte & 7) <= 5) {
      this.pos += 1;
      return byte;
    }
    const [fieldNo, wireType] = this.tag();
    return ((fieldNo << 3) | wireType) >>> 0;
  }

  /** Skips a field that the contract does not know. Known ones (1 to `known`) get here only with a wrong wire type. */
  unknown(tag: number, known: number): void {
    const fieldNo = tag >>> 3;
    if (fieldNo <= known) throw new Error(`field ${fieldNo} has the wrong wire type ${tag & 7}`);
    this.#skipField(fieldNo, tag & 7, MAX_GROUP_DEPTH);
  }

  #skipField(fieldNo: number, wireType: number, depth: number): void {
    switch (wireType) {
      case WireType.Varint:
        this.#skipVarint();
        return;
      case WireType.StartGroup:
        this.#skipGroup(fieldNo, depth);
        return;
      default:
        this.skip(wireType, fieldNo);
    }
  }

  #skipVarint(): void {
    const most = this.pos + MAX_VARINT_BYTES;
    while (this.pos < most) {
      const byte = this.buffer[this.pos++];
      if (byte === undefined) throw new RangeError("a number is cut off");
      if (byte < 0x80) return;
    }
    throw new Error("a number is too long");
  }

  #skipGroup(groupNo: number, depth: number): void {
    if (depth === 0) throw new Error("unknown fields are nested too deeply");
    while (true) {
      const [fieldNo, wireType] = this.tag();
      if (wireType === WireType.EndGroup) {
        if (fieldNo !== groupNo) throw new Error("a group ends with the wrong number");
        return;
      }
      this.#skipField(fieldNo, wireType, depth - 1);
    }
  }

  /** Reads a string of at most `maxBytes` bytes. `field` names it in the refusal. */
  text(maxBytes: number, field: string): string {
    const end = this.#enterText(maxBytes, field);
    const start = this.pos;
    this.pos = end;
    if (!this.#isAscii(start, end)) return this.#unicode(start, end, field);
    return end - start <= MAX_SHORT_TEXT ? this.#short(start, end) : this.buffer.toString("latin1", start, end);
  }

  /** Checks a string as `text` does, for one that is not needed. */
  skipText(maxBytes: number, field: string): void {
    const end = this.#enterText(maxBytes, field);
    const start = this.pos;
    this.pos = end;
    if (!this.#isAscii(start, end)) this.#unicode(start, end, field);
  }

  /** Skips a `bytes` field and returns its length. */
  skipBytes(): number {
    const end = this.enter();
    const length = end - this.pos;
    this.pos = end;
    return length;
  }

  #enterText(maxBytes: number, field: string): number {
    const end = this.enter();
    if (end - this.pos > maxBytes) throw invalid(`${field} may have at most ${maxBytes} bytes, not ${end - this.pos}`);
    return end;
  }

  #isAscii(start: number, end: number): boolean {
    for (let at = start; at < end; at++) {
      if ((this.buffer[at] ?? 0) > 0x7f) return false;
    }
    return true;
  }

  /** Short texts are built faster than a call into native code takes. */
  #short(start: number, end: number): string {
    const codes = new Array<number>(end - start);
    for (let at = start; at < end; at++) codes[at - start] = this.buffer[at] ?? 0;
    return String.fromCharCode.apply(String, codes);
  }

  #unicode(start: number, end: number, field: string): string {
    try {
      return strictUtf8.decode(this.buffer.subarray(start, end));
    } catch {
      throw invalid(`${field} is not valid UTF-8`);
    }
  }

  /** Reads a lease. What does not fit in a JavaScript number was never issued: it reads as IMPOSSIBLE_LEASE. */
  lease(): number {
    const low = this.fixed32();
    const high = this.fixed32();
    return high > MAX_LEASE_HIGH_HALF ? IMPOSSIBLE_LEASE : high * 0x1_0000_0000 + low;
  }

  /** Reads a `map<string, string>` entry into `target`. */
  mapEntry(target: Record<string, string>, limits: MapLimits): void {
    const end = this.enter();
    let key = "";
    let value = "";
    while (this.pos < end) {
      const tag = this.next();
      if (tag === 0x0a) key = this.text(limits.keyBytes, `a key of ${limits.field}`);
      else if (tag === 0x12) value = this.text(limits.valueBytes, `a value of ${limits.field}`);
      else this.unknown(tag, 2);
    }
    this.leave(end);
    // A plain assignment to __proto__ would set nothing.
    if (key === "__proto__") Object.defineProperty(target, key, { value, ...OWN_PROPERTY });
    else target[key] = value;
  }
}

/** Limits of a map. */
export interface MapLimits {
  readonly field: string;
  readonly entries: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
}

const OWN_PROPERTY = { configurable: true, enumerable: true, writable: true };

/** Refuses a map with too many entries. */
export function checkEntries(map: Readonly<Record<string, string>>, limits: MapLimits): void {
  checkCount(Object.keys(map).length, limits.entries, limits.field);
}
