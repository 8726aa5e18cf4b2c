/** Streams in numbers. */
import { AdminService, DistributorService } from "@sluice/client/contract";
import { pathOf } from "../../support/raw-client.ts";
import { type Abuse, repeat, sideBySide } from "../abuse.ts";
import { callHeaders, FLAG, frame, message, TYPE } from "../frames.ts";
import { GrpcPeer } from "../grpc-peer.ts";
import { pause, RawPeer } from "../raw-peer.ts";

const WORK = pathOf(DistributorService.method.work);
const EXPLAIN = pathOf(AdminService.method.explainAnalyzer);
const STREAMS = 100_000;
const BEYOND = 5_000;
const CANCEL = Buffer.of(0, 0, 0, 8);

/** Streams opened in one write. */
function openings(first: number, count: number, path: string, isReset: boolean): Buffer {
  const frames: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    const stream = first + 2 * index;
    frames.push(callHeaders(stream, path));
    if (isReset) frames.push(frame(TYPE.reset, 0, stream, CANCEL));
  }
  return Buffer.concat(frames);
}

export const STREAM_ABUSES: readonly Abuse[] = [
  {
    name: "a hundred thousand calls, one after the other",
    limit: "none: each is answered and leaves nothing",
    expects: ["INVALID_ARGUMENT"],
    run: async ({ port, signal }) => {
      using peer = new GrpcPeer(port);
      const endings: string[] = [];
      const body = message(Buffer.alloc(0));
      while (endings.length < STREAMS && !signal.aborted) {
        endings.push(...(await sideBySide(10, async () => [await peer.call({ path: EXPLAIN, body })])));
      }
      return endings;
    },
  },
  {
    name: "more streams at a time than are allowed",
    limit: "maxStreamsPerConnection",
    expects: ["REFUSED_STREAM", "INTERNAL_ERROR", "ENHANCE_YOUR_CALM", "closed"],
    run: ({ port, signal }) =>
      repeat(signal, async () => {
        using peer = new RawPeer({ port });
        await peer.greeted;
        await peer.write(openings(1, BEYOND, WORK, false));
        await Promise.race([peer.closed, pause(1000, signal)]);
        return peer.isClosed ? [peer.ending] : peer.resets;
      }),
  },
  {
    name: "rapid resets",
    limit: "RESET_RATE",
    expects: ["ENHANCE_YOUR_CALM", "INTERNAL_ERROR", "closed"],
    run: ({ port, signal }) =>
      sideBySide(2, () =>
        repeat(signal, async () => {
          using peer = new RawPeer({ port });
          await peer.greeted;
          for (let first = 1; !peer.isClosed && !signal.aborted; first += 200) {
            await peer.write(openings(first, 100, WORK, true));
            await new Promise((resolve) => setImmediate(resolve));
          }
          await Promise.race([peer.closed, pause(500)]);
          return peer.ending === "open" ? [] : [peer.ending];
        }),
      ),
  },
  {
    name: "calls that are opened and left",
    limit: "maxStreamsPerConnection; MESSAGE_TIMEOUT_MS",
    expects: ["open"],
    run: ({ port, signal }) =>
      sideBySide(10, async () => {
        using peer = new RawPeer({ port });
        await peer.greeted;
        await peer.write(openings(1, 900, EXPLAIN, false));
        await Promise.race([peer.closed, pause(60_000, signal)]);
        return [peer.ending];
      }),
  },
  {
    name: "calls of a method that is not there",
    limit: "gRPC",
    expects: ["UNIMPLEMENTED"],
    run: async ({ port, signal }) => {
      using peer = new GrpcPeer(port);
      return await repeat(signal, () =>
        sideBySide(20, async () => [await peer.call({ path: "/no.such/Method", body: message(Buffer.alloc(10)) })]),
      );
    },
  },
  {
    name: "streams ended by their first byte",
    limit: "gRPC",
    expects: ["UNIMPLEMENTED", "INTERNAL", "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT"],
    run: async ({ port, signal }) => {
      using peer = new GrpcPeer(port);
      return await repeat(signal, () =>
        sideBySide(20, async () => [await peer.call({ path: EXPLAIN, body: Buffer.of(FLAG.endStream) })]),
      );
    },
  },
];
