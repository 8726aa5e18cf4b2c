/**
 * Reads a GIF (CompuServe, Graphics Interchange Format, version 89a): every block up to the trailer.
 */
import { invalidPayload } from "../payload.ts";
import type { ByteReader } from "./byte-reader.ts";
import { assertSize, type ImageMetadata } from "./metadata.ts";

/** The first bytes of every GIF: `GIF8`. */
export const GIF_SIGNATURE = [0x47, 0x49, 0x46, 0x38];

const BLOCK = { extension: 0x21, image: 0x2c, trailer: 0x3b } as const;
const COLOUR_TABLE_FLAG = 0x80;
const BYTES_PER_COLOUR = 3;

/** Reads what follows the signature. Throws INVALID_PAYLOAD for a GIF that is damaged. */
export function readGif(reader: ByteReader): ImageMetadata {
  const version = reader.ascii(2);
  if (version !== "7a" && version !== "9a") throw invalidPayload(`expected a GIF: there is no version 8${version}`);
  const [width, height, packed] = [reader.uint16LittleEndian(), reader.uint16LittleEndian(), reader.uint8()];
  assertSize("gif", width, height);
  // Background colour and aspect ratio.
  reader.skip(2);
  let bitDepth = skipColourTable(reader, packed);
  let images = 0;
  for (let block = reader.uint8(); block !== BLOCK.trailer; block = reader.uint8()) {
    if (block === BLOCK.image) {
      const localDepth = skipImage(reader);
      bitDepth ||= localDepth;
      images += 1;
    } else if (block === BLOCK.extension) {
      reader.skip(1);
      skipSubBlocks(reader);
    } else {
      throw invalidPayload(`expected a GIF: there is no block 0x${block.toString(16)} (byte ${reader.offset - 1})`);
    }
  }
  if (images === 0) throw invalidPayload("expected a whole image: the GIF has no image data");
  // Without any colour table the header's colour resolution is all that is known. There is no place for Exif.
  bitDepth ||= ((packed >> 4) & 7) + 1;
  return { format: "gif", width, height, bitDepth, colourType: "palette", hasExif: false };
}

/** Returns the bits of an index into the table, 0 when there is none. */
function skipColourTable(reader: ByteReader, packed: number): number {
  if ((packed & COLOUR_TABLE_FLAG) === 0) return 0;
  const bits = (packed & 7) + 1;
  reader.skip(BYTES_PER_COLOUR * 2 ** bits);
  return bits;
}

function skipImage(reader: ByteReader): number {
  // Position and size.
  reader.skip(8);
  const bits = skipColourTable(reader, reader.uint8());
  // Smallest code size.
  reader.skip(1);
  skipSubBlocks(reader);
  return bits;
}

function skipSubBlocks(reader: ByteReader): void {
  for (let length = reader.uint8(); length > 0; length = reader.uint8()) reader.skip(length);
}
