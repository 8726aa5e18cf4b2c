/**
 * Reads the bytes of an image in order.
 *
 * Nothing is ever read beyond the end: an image that ends too early is INVALID_PAYLOAD, with the place where it ends.
 */
import { invalidPayload } from "../payload.ts";

/** See the top of the file. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** How many bytes were read. */
  get offset(): number {
    return this.#at;
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  /** Most significant byte first, as in PNG and JPEG. */
  uint16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  /** Least significant byte first, as in GIF. */
  uint16LittleEndian(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  /** Most significant byte first. */
  uint32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  /** The next bytes: a view, not a copy. */
  bytes(count: number): Uint8Array {
    const at = this.#advance(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** The next bytes as ASCII. */
  ascii(count: number): string {
    return String.fromCharCode(...this.bytes(count));
  }

  skip(count: number): void {
    this.#advance(count);
  }

  /** Skips to the next byte of this value and reads over it. */
  skipPast(value: number): void {
    const at = this.#bytes.indexOf(value, this.#at);
    this.#advance(at === -1 ? this.#bytes.length - this.#at + 1 : at - this.#at + 1);
  }

  /** Moves on and returns where it was. */
  #advance(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) {
      throw invalidPayload(
        `expected a whole image: it ends after ${this.#bytes.length} bytes, where at least ${at + count} are needed`,
      );
    }
    this.#at += count;
    return at;
  }
}
