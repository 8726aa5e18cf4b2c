/**
 * Makes small images, whole or with a fault, for the tests.
 */
import { crc32, deflateSync } from "node:zlib";

/** Fields of a PNG that a test chooses. */
export interface PngInput {
  readonly width?: number;
  readonly height?: number;
  readonly bitDepth?: number;
  /** Its number in the header. */
  readonly colourType?: number;
  /** Chunks between the header and the image data. */
  readonly chunks?: readonly Buffer[];
  readonly withPixels?: boolean;
}

/** A PNG; black if its size and colours are those of the default. */
export function png({
  width = 3,
  height = 2,
  bitDepth = 8,
  colourType = 2,
  chunks = [],
  withPixels = true,
}: PngInput = {}): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bitDepth, colourType], 8);
  const pixels = withPixels ? [pngChunk("IDAT", deflateSync(Buffer.alloc(2 * (1 + 3 * 3))))] : [];
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Buffer.concat([signature, pngChunk("IHDR", header), ...chunks, ...pixels, pngChunk("IEND", Buffer.alloc(0))]);
}

/** A chunk with its length and checksum. */
export function pngChunk(type: string, data: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, "latin1"), data]);
  return Buffer.concat([uint32(data.length), typed, uint32(crc32(typed))]);
}

/** Fields of a JPEG that a test chooses. */
export interface JpegInput {
  readonly width?: number;
  readonly height?: number;
  readonly bitDepth?: number;
  readonly components?: number;
  /** Kind of frame: 0xc0 baseline, 0xc2 progressive. */
  readonly frame?: number;
  /** Segments before the frame. */
  readonly segments?: readonly Buffer[];
}

/** The bones of a JPEG: markers and segments in order, with two scans of made-up data. */
export function jpeg({
  width = 5,
  height = 4,
  bitDepth = 8,
  components = 3,
  frame = 0xc0,
  segments = [],
}: JpegInput = {}): Buffer {
  const header = Buffer.alloc(6 + 3 * components);
  header.writeUInt8(bitDepth, 0);
  header.writeUInt16BE(height, 1);
  header.writeUInt16BE(width, 3);
  header.writeUInt8(components, 5);
  return Buffer.concat([
    Buffer.of(0xff, 0xd8),
    ...segments,
    jpegSegment(0xdb, Buffer.alloc(65)),
    // Any number of fill bytes may come before a marker.
    Buffer.of(0xff),
    jpegSegment(frame, header),
    jpegSegment(0xda, Buffer.alloc(6 + 2 * components)),
    // Data with a stuffed FF and a restart marker, in which the end of the image must not be seen.
    Buffer.of(0x12, 0xff, 0x00, 0xd9, 0xff, 0xd0, 0x34),
    jpegSegment(0xc4, Buffer.from([0x00, 0xff, 0xd9])),
    jpegSegment(0xda, Buffer.alloc(6 + 2 * components)),
    Buffer.of(0x56, 0xff, 0xff, 0xd9),
  ]);
}

/** A segment with its marker and length. */
export function jpegSegment(marker: number, data: Uint8Array): Buffer {
  const head = Buffer.of(0xff, marker, 0, 0);
  head.writeUInt16BE(2 + data.length, 2);
  return Buffer.concat([head, data]);
}

/** A GIF of 1 x 1 pixel with a palette of two colours and a graphic control extension. */
export const GIF = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
