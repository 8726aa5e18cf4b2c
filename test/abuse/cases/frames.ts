/** Frames of HTTP/2 that are legal one by one, or not at all. */
import { type Abuse, repeat, sideBySide, type Target } from "../abuse.ts";
import { callFields, callHeaders, FLAG, frame, headerBlock, opening, TYPE } from "../frames.ts";
import { pause, RawPeer } from "../raw-peer.ts";

const WATCH_STATS = "/sluice.v1.AdminService/WatchStats";
const PEERS = 2;
const MANY = 1000;
const LARGEST_FRAME = 0xffffff;

/** Floods from a few connections, each replaced when it is cut. `prelude` comes first on each. */
function flood(
  { port, signal }: Target,
  bytes: Buffer,
  prelude: Buffer = Buffer.alloc(0),
  reads = true,
): Promise<string[]> {
  return sideBySide(PEERS, () =>
    repeat(signal, async () => {
      using peer = new RawPeer({ port, reads });
      await peer.greeted;
      await peer.write(prelude);
      await peer.flood(bytes, signal);
      // What was said last may still be on its way.
      await Promise.race([peer.closed, pause(signal.aborted ? 500 : 2000)]);
      return peer.ending === "open" && signal.aborted ? [] : [peer.ending];
    }),
  );
}

function times(count: number, bytes: Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => bytes));
}

/** Frames that open a call whose request does not end. */
const openCall = callHeaders(1, WATCH_STATS);

const manySettings = Buffer.alloc(6 * MANY);
for (let at = 0; at < manySettings.length; at += 6) manySettings.writeUInt16BE(0x1000 + at, at);

const hugeField = headerBlock([["x-large", "x".repeat(16_000)]]);

export const FRAME_ABUSES: readonly Abuse[] = [
  {
    name: "PING flood",
    limit: "CONTROL_RATE",
    expects: ["ENHANCE_YOUR_CALM", "closed"],
    run: (target) => flood(target, times(MANY, frame(TYPE.ping, 0, 0, Buffer.alloc(8)))),
  },
  {
    name: "PING flood, answers unread",
    limit: "CONTROL_RATE",
    expects: ["closed"],
    run: (target) => flood(target, times(MANY, frame(TYPE.ping, 0, 0, Buffer.alloc(8))), undefined, false),
  },
  {
    name: "SETTINGS flood",
    limit: "CONTROL_RATE",
    expects: ["ENHANCE_YOUR_CALM", "closed"],
    run: (target) => flood(target, times(MANY, frame(TYPE.settings, 0, 0, Buffer.of(0, 4, 0, 1, 0, 0)))),
  },
  {
    name: "SETTINGS with a thousand entries",
    limit: "node:http2 maxSettings (32)",
    expects: ["ENHANCE_YOUR_CALM", "closed"],
    run: (target) => flood(target, frame(TYPE.settings, 0, 0, manySettings)),
  },
  {
    name: "CONTINUATION flood",
    limit: "nghttp2: 8 CONTINUATION frames per header block",
    expects: ["ENHANCE_YOUR_CALM", "PROTOCOL_ERROR", "INTERNAL_ERROR", "closed"],
    run: (target) =>
      flood(target, times(100, frame(TYPE.continuation, 0, 1, hugeField)), callHeaders(1, WATCH_STATS, 0)),
  },
  {
    name: "empty DATA frames",
    limit: "node:http2 maxSessionInvalidFrames (1000)",
    expects: ["INTERNAL_ERROR", "ENHANCE_YOUR_CALM", "PROTOCOL_ERROR", "closed"],
    run: (target) => flood(target, times(MANY, frame(TYPE.data, 0, 1)), openCall),
  },
  {
    name: "PRIORITY flood",
    limit: "CONTROL_RATE",
    expects: ["ENHANCE_YOUR_CALM", "closed"],
    run: (target) => flood(target, times(MANY, frame(TYPE.priority, 0, 3, Buffer.of(0, 0, 0, 0, 1)))),
  },
  {
    name: "WINDOW_UPDATE flood",
    limit: "MAX_OVERHEAD_BYTES; nghttp2: the largest window",
    expects: ["FLOW_CONTROL_ERROR", "ENHANCE_YOUR_CALM", "closed"],
    run: (target) => flood(target, times(MANY, frame(TYPE.window, 0, 0, Buffer.of(0, 0, 0, 1)))),
  },
  {
    name: "frames of unknown types",
    limit: "MAX_OVERHEAD_BYTES",
    expects: ["ENHANCE_YOUR_CALM", "closed"],
    run: (target) => flood(target, times(MANY, frame(0x4d, 0, 0, Buffer.alloc(32)))),
  },
  {
    name: "a frame that declares 16 MiB",
    limit: "HTTP/2 SETTINGS_MAX_FRAME_SIZE (16,384)",
    expects: ["FRAME_SIZE_ERROR"],
    run: (target) => flood(target, frame(TYPE.data, 0, 1, Buffer.alloc(1000), LARGEST_FRAME), openCall),
  },
  {
    name: "DATA on a stream that never was",
    limit: "HTTP/2",
    expects: ["PROTOCOL_ERROR"],
    run: (target) => flood(target, frame(TYPE.data, 0, 7, Buffer.alloc(100))),
  },
  {
    name: "header fields of 128 KiB",
    limit: "MAX_HEADER_BYTES",
    expects: ["answered"],
    run: ({ port, signal }) =>
      repeat(signal, async () => {
        using peer = new RawPeer({ port, greeting: opening() });
        await peer.greeted;
        const fields = headerBlock([...callFields(WATCH_STATS), ["x-1", "x".repeat(14_000)]]);
        await peer.write(frame(TYPE.headers, FLAG.endStream, 1, fields));
        for (let part = 0; part < 6; part++) await peer.write(frame(TYPE.continuation, 0, 1, hugeField));
        await peer.write(frame(TYPE.continuation, FLAG.endHeaders, 1, hugeField));
        await Promise.race([peer.closed, pause(300)]);
        return peer.resets.length > 0 ? peer.resets : [peer.ending];
      }),
  },
];
