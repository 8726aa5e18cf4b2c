/**
 * Reads a JPEG (ITU-T T.81; JFIF, Exif and Adobe segments): every marker up to the end of the image.
 */
import { invalidPayload } from "../payload.ts";
import type { ByteReader } from "./byte-reader.ts";
import { assertSize, type ColourType, type ImageMetadata } from "./metadata.ts";

/** The first bytes of every JPEG: start of image, and the next marker. */
export const JPEG_SIGNATURE = [0xff, 0xd8, 0xff];

const MARKER = {
  tem: 0x01,
  firstFrame: 0xc0,
  huffmanTables: 0xc4,
  jpegExtension: 0xc8,
  arithmeticTables: 0xcc,
  lastFrame: 0xcf,
  firstRestart: 0xd0,
  lastRestart: 0xd7,
  endOfImage: 0xd9,
  startOfScan: 0xda,
  app1: 0xe1,
  app14: 0xee,
} as const;

interface Frame {
  readonly bitDepth: number;
  readonly width: number;
  readonly height: number;
  readonly components: number;
}

/** Reads what follows the start of image. Throws INVALID_PAYLOAD for a JPEG that is damaged. */
export function readJpeg(reader: ByteReader): ImageMetadata {
  let frame: Frame | undefined;
  let hasExif = false;
  let hasScan = false;
  let adobeTransform: number | undefined;
  let marker = nextMarker(reader);
  while (marker !== MARKER.endOfImage) {
    if (!standsAlone(marker)) {
      const segment = readSegment(reader);
      if (isFrame(marker)) frame ??= readFrame(segment);
      if (marker === MARKER.app1 && startsWith(segment, "Exif\0\0")) hasExif = true;
      if (marker === MARKER.app14 && startsWith(segment, "Adobe")) adobeTransform = segment[11];
    }
    if (marker === MARKER.startOfScan) hasScan = true;
    marker = hasScan ? nextMarkerInScan(reader) : nextMarker(reader);
  }
  if (frame === undefined || !hasScan) throw invalidPayload("expected a whole image: the JPEG has no frame or no scan");
  const { width, height, bitDepth, components } = frame;
  assertSize("jpeg", width, height);
  return { format: "jpeg", width, height, bitDepth, colourType: colourOf(components, adobeTransform), hasExif };
}

/** The marker that must come now; any number of fill bytes may come before it. */
function nextMarker(reader: ByteReader): number {
  if (reader.uint8() !== 0xff) {
    throw invalidPayload(`expected a JPEG: there is no marker at byte ${reader.offset - 1}`);
  }
  let marker = reader.uint8();
  while (marker === 0xff) marker = reader.uint8();
  return marker;
}

/** The next marker that is not part of the compressed data: there FF is followed by 0 or is a restart. */
function nextMarkerInScan(reader: ByteReader): number {
  while (true) {
    reader.skipPast(0xff);
    let marker = reader.uint8();
    while (marker === 0xff) marker = reader.uint8();
    if (marker !== 0 && !isRestart(marker)) return marker;
  }
}

function readSegment(reader: ByteReader): Uint8Array {
  const length = reader.uint16();
  if (length < 2) throw invalidPayload(`expected a JPEG: the segment before byte ${reader.offset} has no length`);
  return reader.bytes(length - 2);
}

function readFrame(segment: Uint8Array): Frame {
  if (segment.length < 6) throw invalidPayload("expected a JPEG: its frame header is too short");
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
  return {
    bitDepth: view.getUint8(0),
    height: view.getUint16(1),
    width: view.getUint16(3),
    components: view.getUint8(5),
  };
}

/** What three or four components mean is said by Adobe's segment only; without it they are YCbCr and CMYK. */
function colourOf(components: number, adobeTransform: number | undefined): ColourType {
  switch (components) {
    case 1:
      return "greyscale";
    case 3:
      return adobeTransform === 0 ? "rgb" : "ycbcr";
    case 4:
      return adobeTransform === 2 ? "ycck" : "cmyk";
    default:
      throw invalidPayload(`expected a JPEG with 1, 3 or 4 components: it has ${components}`);
  }
}

function isFrame(marker: number): boolean {
  if (marker === MARKER.huffmanTables || marker === MARKER.jpegExtension) return false;
  return marker >= MARKER.firstFrame && marker <= MARKER.lastFrame && marker !== MARKER.arithmeticTables;
}

function isRestart(marker: number): boolean {
  return marker >= MARKER.firstRestart && marker <= MARKER.lastRestart;
}

function standsAlone(marker: number): boolean {
  return isRestart(marker) || marker === MARKER.tem;
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return String.fromCharCode(...bytes.subarray(0, text.length)) === text;
}
