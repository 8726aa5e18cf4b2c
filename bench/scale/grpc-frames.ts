/** gRPC's framing of messages: a flag for compression, the length in four bytes, the message. */

const PREFIX_BYTES = 5;

/** A message as it travels, not compressed. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/** Puts messages together again, whatever pieces they arrive in. */
export class FrameReader {
  #unread: Buffer = Buffer.alloc(0);

  /** Takes what has arrived; returns the messages that it completes. */
  push(part: Buffer): Buffer[] {
    this.#unread = this.#unread.length === 0 ? part : Buffer.concat([this.#unread, part]);
    const messages: Buffer[] = [];
    let at = 0;
    while (this.#unread.length - at >= PREFIX_BYTES) {
      const end = at + PREFIX_BYTES + this.#unread.readUInt32BE(at + 1);
      if (this.#unread.length < end) break;
      messages.push(this.#unread.subarray(at + PREFIX_BYTES, end));
      at = end;
    }
    this.#unread = this.#unread.subarray(at);
    return messages;
  }
}
