/**
 * Reads a PNG (W3C, Portable Network Graphics Specification, third edition): every chunk up to IEND, with its checksum.
 */
import { crc32 } from "node:zlib";
import { invalidPayload } from "../payload.ts";
import type { ByteReader } from "./byte-reader.ts";
import { assertSize, type ColourType, type ImageMetadata } from "./metadata.ts";

/** The first bytes of every PNG. */
export const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Colour types by their numbers, with the bit depths that each may have. */
const COLOURS = new Map<number, { readonly colourType: ColourType; readonly bitDepths: readonly number[] }>([
  [0, { colourType: "greyscale", bitDepths: [1, 2, 4, 8, 16] }],
  [2, { colourType: "truecolour", bitDepths: [8, 16] }],
  [3, { colourType: "palette", bitDepths: [1, 2, 4, 8] }],
  [4, { colourType: "greyscale-alpha", bitDepths: [8, 16] }],
  [6, { colourType: "truecolour-alpha", bitDepths: [8, 16] }],
]);
const HEADER_BYTES = 13;

/** Reads what follows the signature. Throws INVALID_PAYLOAD for a PNG that is damaged. */
export function readPng(reader: ByteReader): ImageMetadata {
  const header = readHeader(reader);
  let hasExif = false;
  let hasPixels = false;
  for (let type = ""; type !== "IEND"; ) {
    const length = reader.uint32();
    type = readChunk(reader, length).type;
    if (type === "eXIf") hasExif = true;
    if (type === "IDAT") hasPixels = true;
  }
  if (!hasPixels) throw invalidPayload("expected a whole image: the PNG has no image data (IDAT)");
  return { ...header, hasExif };
}

function readHeader(reader: ByteReader): Omit<ImageMetadata, "hasExif"> {
  const length = reader.uint32();
  const { type, data } = readChunk(reader, length);
  if (type !== "IHDR" || length !== HEADER_BYTES) throw invalidPayload("expected a PNG: it does not begin with IHDR");
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const [width, height, bitDepth] = [view.getUint32(0), view.getUint32(4), view.getUint8(8)];
  const colour = COLOURS.get(view.getUint8(9));
  if (colour?.bitDepths.includes(bitDepth) !== true) {
    throw invalidPayload(`expected a PNG: there is no colour type ${view.getUint8(9)} with ${bitDepth} bits`);
  }
  assertSize("png", width, height);
  return { format: "png", width, height, bitDepth, colourType: colour.colourType };
}

function readChunk(reader: ByteReader, length: number): { readonly type: string; readonly data: Uint8Array } {
  // The checksum is over type and data.
  const bytes = reader.bytes(4 + length);
  const type = String.fromCharCode(...bytes.subarray(0, 4));
  if (reader.uint32() !== crc32(bytes)) {
    throw invalidPayload(`expected a whole PNG: the checksum before byte ${reader.offset} does not match`);
  }
  return { type, data: bytes.subarray(4) };
}
