/**
 * What is known of an image from its headers.
 */
import { invalidPayload } from "../payload.ts";

/** How colours are written in an image. */
export type ColourType =
  | "greyscale"
  | "greyscale-alpha"
  | "truecolour"
  | "truecolour-alpha"
  | "palette"
  | "ycbcr"
  | "rgb"
  | "cmyk"
  | "ycck";

/** See the top of the file. */
export interface ImageMetadata {
  readonly format: "png" | "jpeg" | "gif";
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Bits of a sample; with a palette, bits of an index into it. */
  readonly bitDepth: number;
  readonly colourType: ColourType;
  readonly hasExif: boolean;
}

/** Throws INVALID_PAYLOAD for an image without pixels. */
export function assertSize(format: ImageMetadata["format"], width: number, height: number): void {
  if (width > 0 && height > 0) return;
  throw invalidPayload(`expected an image: the ${format} header says ${width} x ${height} pixels`);
}
