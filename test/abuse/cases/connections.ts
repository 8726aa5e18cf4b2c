/** Connections that waste what a connection costs. */
import { type Abuse, repeat, sideBySide, type Target } from "../abuse.ts";
import { callHeaders, opening, PREFACE } from "../frames.ts";
import { pause, RawPeer } from "../raw-peer.ts";

const GET_STATS = "/sluice.v1.AdminService/GetStats";
const SILENT = 200;
const DRIPPING = 20;
const DRIP_MS = 100;
const IDLE = 1000;
const STORM = 20;
/** Later than HANDSHAKE_TIMEOUT_MS. */
const TIMEOUT_MS = 12_000;

/** Sends bytes one by one until it is cut. */
async function drip({ port, signal }: Target, greeting: Buffer, bytes: Buffer): Promise<readonly string[]> {
  using peer = new RawPeer({ port, greeting });
  for (let at = 0; !peer.isClosed && !signal.aborted; at++) {
    await peer.write(bytes.subarray(at % bytes.length, (at % bytes.length) + 1));
    await pause(DRIP_MS, signal);
  }
  return [peer.ending];
}

export const CONNECTION_ABUSES: readonly Abuse[] = [
  {
    name: "connections that say nothing",
    limit: "HANDSHAKE_TIMEOUT_MS",
    expects: ["closed"],
    reachedAfterMs: TIMEOUT_MS,
    run: ({ port, signal }) =>
      sideBySide(SILENT, async () => {
        using peer = new RawPeer({ port, greeting: Buffer.alloc(0) });
        await Promise.race([peer.closed, pause(2 * TIMEOUT_MS, signal)]);
        return [peer.ending];
      }),
  },
  {
    name: "a preface byte by byte",
    limit: "HANDSHAKE_TIMEOUT_MS",
    expects: ["closed"],
    reachedAfterMs: TIMEOUT_MS,
    // The preface alone would be over in two seconds: what follows it is a frame that never ends.
    run: (target) =>
      sideBySide(DRIPPING, () => drip(target, Buffer.alloc(0), Buffer.concat([PREFACE, Buffer.alloc(4096)]))),
  },
  {
    name: "headers byte by byte",
    limit: "maxConnections; it is idle, so IDLE_TIMEOUT_MS, and it gives way to others",
    expects: ["open"],
    run: (target) => {
      const endless = callHeaders(1, `${GET_STATS}?${"x".repeat(4096)}`);
      return sideBySide(DRIPPING, () => drip(target, opening(), endless));
    },
  },
  {
    name: "something that is not HTTP/2",
    limit: "nghttp2: the preface",
    expects: ["closed", "PROTOCOL_ERROR"],
    run: ({ port, signal }) =>
      repeat(signal, async () => {
        using peer = new RawPeer({ port, greeting: Buffer.from("GET / HTTP/1.1\r\nHost: abuse\r\n\r\n".repeat(100)) });
        await Promise.race([peer.closed, pause(5000)]);
        return [peer.ending];
      }),
  },
  {
    name: "connections opened and dropped",
    limit: "none: a connection costs little and leaves nothing",
    expects: ["closed"],
    run: ({ port, signal }) =>
      sideBySide(STORM, () =>
        repeat(signal, async () => {
          const peer = new RawPeer({ port });
          await Promise.race([peer.greeted, pause(5000, signal)]);
          peer[Symbol.dispose]();
          await peer.closed;
          return [peer.ending];
        }),
      ),
  },
  {
    name: "idle connections",
    limit: "maxConnections; IDLE_TIMEOUT_MS later",
    expects: ["open"],
    run: ({ port, signal }) =>
      sideBySide(IDLE, async () => {
        using peer = new RawPeer({ port });
        await Promise.race([peer.greeted, pause(5000)]);
        await Promise.race([peer.closed, pause(TIMEOUT_MS, signal)]);
        return [peer.ending];
      }),
  },
];
