/**
 * `image-metadata`: what the headers of a PNG, JPEG or GIF say.
 *
 * Payload: the bytes of the image, or JSON `{"base64": "..."}`. The image is read to its end, so a truncated one is found.
 */
import type { Handler, ReceivedTask } from "@sluice/client";
import { z } from "zod";
import { ByteReader } from "./image/byte-reader.ts";
import { GIF_SIGNATURE, readGif } from "./image/gif.ts";
import { JPEG_SIGNATURE, readJpeg } from "./image/jpeg.ts";
import type { ImageMetadata } from "./image/metadata.ts";
import { PNG_SIGNATURE, readPng } from "./image/png.ts";
import { invalidPayload, isJson, readJson } from "./payload.ts";

/**
 * An image format.
 * skip: bytes of the signature that its reader does not read again
 */
interface Format {
  readonly signature: readonly number[];
  readonly skip: number;
  readonly read: (reader: ByteReader) => ImageMetadata;
}

const FORMATS: readonly Format[] = [
  { signature: PNG_SIGNATURE, skip: PNG_SIGNATURE.length, read: readPng },
  // The last byte begins the next marker.
  { signature: JPEG_SIGNATURE, skip: JPEG_SIGNATURE.length - 1, read: readJpeg },
  { signature: GIF_SIGNATURE, skip: GIF_SIGNATURE.length, read: readGif },
];

const PAYLOAD = z.strictObject({ base64: z.base64() });
const EXPECTED = 'the bytes of a PNG, JPEG or GIF, or JSON like {"base64": "iVBORw0KGgo..."}';

/** The metadata of an image. Throws INVALID_PAYLOAD when it is no PNG, JPEG or GIF, or a damaged one. */
export function metadataOf(image: Uint8Array): ImageMetadata {
  const format = FORMATS.find(({ signature }) => signature.every((byte, index) => image[index] === byte));
  if (format === undefined) {
    const beginning = image.length === 0 ? "the payload is empty" : `it begins with ${hexOf(image.subarray(0, 8))}`;
    throw invalidPayload(`expected ${EXPECTED}: ${beginning}`);
  }
  const reader = new ByteReader(image);
  reader.skip(format.skip);
  return format.read(reader);
}

/** See the top of the file. */
export const imageMetadata: Handler = (task): ImageMetadata => metadataOf(imageOf(task));

function imageOf(task: ReceivedTask): Uint8Array {
  if (!isJson(task)) return task.payload;
  return Buffer.from(readJson(task, PAYLOAD, EXPECTED).base64, "base64");
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("hex")
    .replaceAll(/..(?=.)/g, "$& ");
}
