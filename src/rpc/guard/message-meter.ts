/**
 * Follows the messages in the bytes of one call, without keeping them: what grpc-js holds in memory until a message is
 * complete, and what a compressed one may become.
 *
 * A message is a byte that says whether it is compressed, four bytes of length, and as many bytes.
 */

const PREFIX_BYTES = 5;
/** The most that deflate can make of a byte. */
const MAX_INFLATION = 1032;

/** A meter for one call. */
export class MessageMeter {
  readonly #maxMessageBytes: number;
  #prefixBytes = 0;
  #isCompressed = false;
  #lengthBytes = 0;
  #heldBytes = 0;
  #parts = 0;
  #messages = 0;
  #unpackedBytes = 0;

  /** A message that is larger than this is refused by grpc-js as soon as its length is known. */
  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Bytes of the message that has begun and not ended. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** In how many parts those bytes have come. */
  get parts(): number {
    return this.#parts;
  }

  /** Messages that are complete. */
  get messages(): number {
    return this.#messages;
  }

  /** A message has begun and not ended. */
  get isWithin(): boolean {
    return this.#prefixBytes > 0;
  }

  /** The most that compressed messages can have become since the last call of this. */
  takeUnpackedBytes(): number {
    const bytes = this.#unpackedBytes;
    this.#unpackedBytes = 0;
    return bytes;
  }

  /** Takes note of what has arrived. */
  push(part: Uint8Array): void {
    const before = this.#messages;
    for (let at = 0; at < part.length; ) at += this.#readPrefix(part, at) || this.#readBody(part.length - at);
    if (!this.isWithin) this.#parts = 0;
    else this.#parts = this.#messages === before ? this.#parts + 1 : 1;
  }

  /** Reads what is missing of the prefix. Returns how many bytes that were. */
  #readPrefix(part: Uint8Array, start: number): number {
    let at = start;
    for (; this.#prefixBytes < PREFIX_BYTES && at < part.length; at++, this.#prefixBytes++) {
      const byte = part[at] ?? 0;
      if (this.#prefixBytes === 0) this.#isCompressed = byte !== 0;
      else this.#lengthBytes = this.#lengthBytes * 256 + byte;
    }
    if (at > start && this.#prefixBytes === PREFIX_BYTES && this.#lengthBytes === 0) this.#complete();
    return at - start;
  }

  #readBody(available: number): number {
    const bytes = Math.min(available, this.#lengthBytes - this.#heldBytes);
    this.#heldBytes += bytes;
    if (this.#heldBytes === this.#lengthBytes) this.#complete();
    return bytes;
  }

  #complete(): void {
    if (this.#isCompressed) {
      this.#unpackedBytes += Math.min(this.#maxMessageBytes, this.#lengthBytes * MAX_INFLATION);
    }
    this.#messages += 1;
    this.#prefixBytes = 0;
    this.#lengthBytes = 0;
    this.#heldBytes = 0;
  }
}
