/**
 * HTTP/2 and gRPC as bytes, made by hand: what a client library would refuse to send can be written here.
 */

/** The first bytes of every HTTP/2 connection. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Types of frames. */
export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;

/** Flags of frames. */
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;

/** Names of HTTP/2 error codes, by number. */
const ERROR_NAMES = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
];

const HEADER_BYTES = 9;

/** The name of an HTTP/2 error code. */
export function errorName(code: number): string {
  return ERROR_NAMES[code] ?? `error ${code}`;
}

/** A frame. `declaredBytes` makes it lie about its length. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(0),
  declaredBytes = payload.length,
): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  bytes.writeUIntBE(declaredBytes, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** What a client says first. `windowBytes` is how much it takes per stream before it reads. */
export function opening(windowBytes?: number): Buffer {
  const settings = Buffer.alloc(windowBytes === undefined ? 0 : 6);
  if (windowBytes !== undefined) {
    settings.writeUInt16BE(4, 0);
    settings.writeUInt32BE(windowBytes, 2);
  }
  return Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0, settings)]);
}

/** Header fields, not compressed. */
export function headerBlock(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.of(0), hpackText(name), hpackText(value)])));
}

function hpackText(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  length.push(rest);
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** The header fields of a call of a method. */
export function callFields(path: string): [name: string, value: string][] {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "abuse"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
  ];
}

/** The beginning of a call. */
export function callHeaders(stream: number, path: string, flags: number = FLAG.endHeaders): Buffer {
  return frame(TYPE.headers, flags, stream, headerBlock(callFields(path)));
}

/** A gRPC message: flag, length, bytes. */
export function message(bytes: Uint8Array, isCompressed = false, declaredBytes = bytes.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(isCompressed ? 1 : 0, 0);
  prefix.writeUInt32BE(declaredBytes, 1);
  return Buffer.concat([prefix, bytes]);
}

/** DATA frames that carry these bytes, at most `partBytes` in each. */
export function dataFrames(stream: number, bytes: Uint8Array, partBytes = 16_384, endStream = true): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += partBytes) {
    const isLast = at + partBytes >= bytes.length;
    frames.push(frame(TYPE.data, endStream && isLast ? FLAG.endStream : 0, stream, bytes.subarray(at, at + partBytes)));
  }
  return Buffer.concat(frames);
}

/** A frame that arrived. */
export interface ReceivedFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Cuts received bytes into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are complete with these bytes. */
  push(bytes: Buffer): ReceivedFrame[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: ReceivedFrame[] = [];
    while (this.#rest.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < end) break;
      frames.push({
        type: this.#rest.readUInt8(3),
        flags: this.#rest.readUInt8(4),
        stream: this.#rest.readUInt32BE(5),
        payload: this.#rest.subarray(HEADER_BYTES, end),
      });
      this.#rest = this.#rest.subarray(end);
    }
    return frames;
  }
}
