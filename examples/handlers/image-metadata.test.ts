import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { imageMetadata, metadataOf } from "./image-metadata.ts";
import { GIF, type JpegInput, jpeg, jpegSegment, png, pngChunk } from "./testing/images.ts";
import { failureOf, runHandler } from "./testing/run-handler.ts";

const EXIF = jpegSegment(0xe1, Buffer.from("Exif\0\0II*\0\x08\0\0\0", "latin1"));
const XMP = jpegSegment(0xe1, Buffer.from("http://ns.adobe.com/xap/1.0/\0", "latin1"));
const adobe = (transform: number) =>
  jpegSegment(0xee, Buffer.from([...Buffer.from("Adobe"), 0, 100, 0, 0, 0, 0, transform]));

describe("a PNG", () => {
  it("has its size, depth and colours in its header", async () => {
    expect(await runHandler(imageMetadata, png({ width: 70_000, height: 2 }))).toEqual({
      format: "png",
      width: 70_000,
      height: 2,
      bitDepth: 8,
      colourType: "truecolour",
      hasExif: false,
    });
  });

  it("of another maker is read as well", () => {
    const tiny = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    expect(metadataOf(Buffer.from(tiny, "base64"))).toMatchObject({
      width: 1,
      height: 1,
      colourType: "truecolour-alpha",
    });
  });

  it.each([
    [0, 1, "greyscale"],
    [0, 16, "greyscale"],
    [3, 4, "palette"],
    [4, 16, "greyscale-alpha"],
    [6, 8, "truecolour-alpha"],
  ])("of colour type %i with %i bits is %s", (type, bitDepth, colourType) => {
    expect(metadataOf(png({ colourType: type, bitDepth }))).toMatchObject({ bitDepth, colourType });
  });

  it("may have Exif", () => {
    expect(metadataOf(png({ chunks: [pngChunk("eXIf", Buffer.from("II*\0"))] }))).toMatchObject({ hasExif: true });
  });

  it.each([
    ["a depth that its colour type has not", png({ colourType: 2, bitDepth: 4 }), /no colour type 2 with 4 bits/],
    ["no pixels", png({ width: 0 }), /0 x 2 pixels/],
    ["no image data", png({ withPixels: false }), /no image data/],
    [
      "another chunk first",
      Buffer.concat([png().subarray(0, 8), pngChunk("IEND", Buffer.alloc(0))]),
      /begin with IHDR/,
    ],
    ["a wrong checksum", png().fill(0x7f, 20, 21), /checksum before byte 33/],
  ])("is refused with %s", async (_, image, message) => {
    const error = await failureOf(imageMetadata, image);
    expect(error).toMatchObject({ code: "INVALID_PAYLOAD", nonRetryable: true });
    expect(error.message).toMatch(message);
  });
});

describe("a JPEG", () => {
  it("has its size and depth in its frame", async () => {
    expect(await runHandler(imageMetadata, jpeg({ width: 640, height: 480 }))).toEqual({
      format: "jpeg",
      width: 640,
      height: 480,
      bitDepth: 8,
      colourType: "ycbcr",
      hasExif: false,
    });
  });

  const colours: [JpegInput, string][] = [
    [{ components: 1 }, "greyscale"],
    [{ components: 3, segments: [adobe(1)] }, "ycbcr"],
    [{ components: 3, segments: [adobe(0)] }, "rgb"],
    [{ components: 4 }, "cmyk"],
    [{ components: 4, segments: [adobe(2)] }, "ycck"],
  ];
  it.each(colours)("%j is %s", (input, colourType) => {
    expect(metadataOf(jpeg(input))).toMatchObject({ colourType });
  });

  it("may be progressive, with 12 bits", () => {
    expect(metadataOf(jpeg({ frame: 0xc2, bitDepth: 12 }))).toMatchObject({ bitDepth: 12, width: 5, height: 4 });
  });

  it("has Exif, or another segment with the same marker", () => {
    expect(metadataOf(jpeg({ segments: [XMP, EXIF] }))).toMatchObject({ hasExif: true });
    expect(metadataOf(jpeg({ segments: [XMP] }))).toMatchObject({ hasExif: false });
  });

  it("may be followed by something else", () => {
    expect(metadataOf(Buffer.concat([jpeg(), Buffer.from("trailing")]))).toMatchObject({ width: 5 });
  });

  it.each([
    ["no frame", Buffer.of(0xff, 0xd8, 0xff, 0xd9), /no frame or no scan/],
    ["no pixels", jpeg({ height: 0 }), /5 x 0 pixels/],
    ["two components", jpeg({ components: 2 }), /it has 2/],
    [
      "no marker where one must be",
      Buffer.concat([jpeg().subarray(0, 2), EXIF, Buffer.from("junk")]),
      /no marker at byte/,
    ],
    ["a segment without length", Buffer.of(0xff, 0xd8, 0xff, 0xe0, 0, 1), /has no length/],
    [
      "a frame that is too short",
      Buffer.concat([Buffer.of(0xff, 0xd8), jpegSegment(0xc0, Buffer.alloc(3))]),
      /too short/,
    ],
  ])("is refused with %s", async (_, image, message) => {
    const error = await failureOf(imageMetadata, image);
    expect(error).toMatchObject({ code: "INVALID_PAYLOAD", nonRetryable: true });
    expect(error.message).toMatch(message);
  });
});

describe("a GIF", () => {
  it("has its size and palette in its header", async () => {
    expect(await runHandler(imageMetadata, GIF)).toEqual({
      format: "gif",
      width: 1,
      height: 1,
      bitDepth: 1,
      colourType: "palette",
      hasExif: false,
    });
  });

  it("may have its palette with the image", () => {
    // The screen descriptor of a GIF without a global table, then an image with a local one of 8 colours.
    const image = [0x2c, 0, 0, 0, 0, 4, 0, 2, 0, 0x82, ...Buffer.alloc(24), 3, 1, 0xff, 0, 0x3b];
    const gif = Buffer.concat([Buffer.from("GIF87a"), Buffer.of(4, 0, 2, 0, 0x70, 0, 0, ...image)]);
    expect(metadataOf(gif)).toMatchObject({ width: 4, height: 2, bitDepth: 3 });
  });

  it.each([
    ["an unknown version", Buffer.from("GIF88a1234567"), /version 88a/],
    ["no image", Buffer.concat([GIF.subarray(0, 19), Buffer.of(0x3b)]), /no image data/],
    ["an unknown block", Buffer.concat([GIF.subarray(0, 19), Buffer.of(0x99)]), /no block 0x99/],
    ["no pixels", Buffer.from(GIF).fill(0, 6, 8), /0 x 1 pixels/],
  ])("is refused with %s", async (_, image, message) => {
    const error = await failureOf(imageMetadata, image);
    expect(error).toMatchObject({ code: "INVALID_PAYLOAD", nonRetryable: true });
    expect(error.message).toMatch(message);
  });
});

describe("an image", () => {
  it("may come as base64 in JSON", async () => {
    const result = await runHandler(imageMetadata, { base64: png().toString("base64") });
    expect(result).toMatchObject({ format: "png", width: 3, height: 2 });
  });

  it.each([
    ["png", png()],
    ["jpeg", jpeg()],
    ["gif", GIF],
  ])("that is a %s is refused wherever it is cut", async (_, image) => {
    for (let end = 0; end < image.length; end++) {
      expect(await failureOf(imageMetadata, image.subarray(0, end))).toMatchObject({ code: "INVALID_PAYLOAD" });
    }
  });

  it("with faults is read or refused, never anything else", () => {
    const whole = fc.constantFrom(png(), jpeg({ segments: [EXIF] }), GIF);
    const faults = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(whole, faults, (image, changes) => {
        const damaged = Buffer.from(image);
        for (const [at, value] of changes) damaged[at % damaged.length] = value;
        try {
          expect(metadataOf(damaged).width).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_PAYLOAD" });
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([[""], ["just words"], [Buffer.from("RIFF1234WEBP")], [{ base64: "%%%" }], [{ url: "x" }], [{ base64: "" }]])(
    "is none: %j is refused for good",
    async (payload) => {
      const error = await failureOf(imageMetadata, payload);
      expect(error).toMatchObject({ code: "INVALID_PAYLOAD", nonRetryable: true });
      expect(error.message).toMatch(
        /^expected the bytes of a PNG, JPEG or GIF, or JSON like {"base64": "iVBORw0KGgo..."}/,
      );
    },
  );
});
