/** Messages that are not what they say, or too much. */
import { gzipSync } from "node:zlib";
import { DistributorService, SubmitRequestSchema, WorkRequestSchema } from "@sluice/client/contract";
import { encode, pathOf } from "../../support/raw-client.ts";
import { type Abuse, repeat, sideBySide, type Target } from "../abuse.ts";
import { callHeaders, dataFrames, message } from "../frames.ts";
import { GrpcPeer } from "../grpc-peer.ts";
import { pause, RawPeer } from "../raw-peer.ts";

const SUBMIT = pathOf(DistributorService.method.submit);
const SUBMIT_BATCH = pathOf(DistributorService.method.submitBatch);
const WORK = pathOf(DistributorService.method.work);
const LIST_TASKS = "/sluice.v1.TaskService/ListTasks";

const GIB_4 = 0xffffffff;
const MIB = 1024 * 1024;
const AT_ONCE = 8;
/** Small, and four gigabytes when all of it is unpacked. */
const bomb = gzipSync(Buffer.alloc(64 * MIB));
/** As large as a message may be once it is unpacked. */
const fittingBomb = gzipSync(Buffer.alloc(4 * MIB - 1024));
const BOMBS_PER_CONNECTION = 500;
const PARTIAL_STREAMS = 900;

/** A submit whose task has this queue name, as bytes: the name may be anything. */
function submitTo(queue: Uint8Array): Buffer {
  const spec = Buffer.concat([Buffer.of(0x12, queue.length), queue]);
  return Buffer.concat([Buffer.of(0x0a, spec.length), spec]);
}

/** Calls again and again, several at a time. */
function calls(
  { port, signal }: Target,
  input: { readonly path?: string; readonly body: Buffer; readonly headers?: Record<string, string> },
): Promise<string[]> {
  return sideBySide(AT_ONCE, () =>
    repeat(signal, async () => {
      using peer = new GrpcPeer(port);
      const endings: string[] = [];
      for (let call = 0; call < 50 && !signal.aborted; call++)
        endings.push(await peer.call({ path: SUBMIT, ...input }));
      return endings;
    }),
  );
}

/** Nested groups of a field that nobody knows. */
function nested(depth: number): Buffer {
  const open = Buffer.alloc(depth * 2);
  const close = Buffer.alloc(depth * 2);
  for (let at = 0; at < open.length; at += 2) {
    open.writeUInt16BE(0xfb3f, at);
    close.writeUInt16BE(0xfc3f, at);
  }
  return Buffer.concat([open, close]);
}

const gzip = { "grpc-encoding": "gzip" };

export const MESSAGE_ABUSES: readonly Abuse[] = [
  {
    name: "a message that declares 4 GiB",
    limit: "maxMessageBytes",
    expects: ["RESOURCE_EXHAUSTED"],
    run: (target) => calls(target, { body: message(Buffer.alloc(100), false, GIB_4) }),
  },
  {
    name: "messages in one-byte DATA frames",
    limit: "CONTROL_RATE, FREE_MESSAGE_PARTS",
    expects: ["ENHANCE_YOUR_CALM", "closed"],
    run: ({ port, signal }) =>
      sideBySide(2, () =>
        repeat(signal, async () => {
          using peer = new RawPeer({ port });
          await peer.greeted;
          await peer.write(callHeaders(1, SUBMIT_BATCH));
          await peer.write(dataFrames(1, message(Buffer.alloc(10), false, 3 * MIB), 1, false));
          const parts = dataFrames(1, Buffer.alloc(1000), 1, false);
          await peer.flood(parts, signal);
          await Promise.race([peer.closed, pause(signal.aborted ? 500 : 2000)]);
          return peer.ending === "open" ? [] : [peer.ending];
        }),
      ),
  },
  {
    name: "large messages begun on all streams and never ended",
    limit: "MAX_HELD_BYTES",
    expects: ["ENHANCE_YOUR_CALM", "closed"],
    run: ({ port, signal }) =>
      sideBySide(4, () =>
        repeat(signal, async () => {
          using peer = new GrpcPeer(port);
          await peer.ready();
          const part = Buffer.concat([message(Buffer.alloc(0), false, 3 * MIB), Buffer.alloc(2 * MIB)]);
          // Until it is ended: the time does not matter.
          for (let stream = 0; stream < PARTIAL_STREAMS && !peer.session.destroyed; stream++) {
            const call = peer.open({ path: SUBMIT_BATCH });
            call.resume();
            await new Promise<void>((resolve) => {
              call.write(part, () => resolve());
              call.once("close", () => resolve());
            });
          }
          await pause(2000, peer.gone);
          return peer.session.destroyed ? ["closed"] : ["open"];
        }),
      ),
  },
  {
    name: "a compression bomb",
    limit: "maxMessageBytes",
    expects: ["RESOURCE_EXHAUSTED"],
    run: (target) => calls(target, { body: message(bomb, true), headers: gzip }),
  },
  {
    name: "many compressed messages at once, each just small enough",
    limit: "MAX_HELD_BYTES",
    // The first few are answered; with the rest, the connection goes.
    expects: ["INVALID_ARGUMENT", "closed"],
    run: ({ port, signal }) =>
      repeat(signal, async () => {
        using peer = new GrpcPeer(port);
        await peer.ready();
        const body = message(fittingBomb, true);
        return await sideBySide(BOMBS_PER_CONNECTION, async () => [
          await peer.call({ path: SUBMIT, body, headers: gzip }),
        ]);
      }),
  },
  {
    name: "bad gzip",
    limit: "gRPC",
    expects: ["INTERNAL"],
    run: (target) => calls(target, { body: message(Buffer.from("this is not gzip"), true), headers: gzip }),
  },
  {
    name: "an unknown compression",
    limit: "gRPC",
    expects: ["UNIMPLEMENTED"],
    run: (target) => calls(target, { body: message(bomb, true), headers: { "grpc-encoding": "lzma" } }),
  },
  {
    name: "names that are not UTF-8",
    limit: "strict UTF-8",
    expects: ["INVALID_ARGUMENT"],
    run: (target) => calls(target, { body: message(submitTo(Buffer.of(0xff, 0xfe, 0xc0))) }),
  },
  {
    name: "lone surrogates",
    limit: "strict UTF-8",
    expects: ["INVALID_ARGUMENT"],
    run: (target) => calls(target, { body: message(submitTo(Buffer.of(0xed, 0xa0, 0x80))) }),
  },
  {
    name: "deep nesting",
    limit: "MAX_GROUP_DEPTH",
    expects: ["INVALID_ARGUMENT"],
    run: (target) => calls(target, { body: message(nested(100_000)) }),
  },
  {
    name: "deep nesting, where generated code reads",
    limit: "100 levels, as in every protobuf",
    expects: ["INVALID_ARGUMENT"],
    run: (target) => calls(target, { path: LIST_TASKS, body: message(nested(100_000)) }),
  },
  {
    name: "unknown enum values",
    limit: "the contract",
    expects: ["INVALID_ARGUMENT"],
    // states: 4242, in the filter.
    run: (target) => calls(target, { path: LIST_TASKS, body: message(Buffer.of(0x0a, 0x04, 0x12, 0x02, 0x92, 0x21)) }),
  },
  {
    name: "garbage as a first frame of Work",
    limit: "the contract",
    expects: ["INVALID_ARGUMENT"],
    run: (target) => calls(target, { path: WORK, body: message(Buffer.alloc(1000, 0xa5)) }),
  },
  {
    name: "a hello in each of ten thousand frames",
    limit: "the protocol: one hello",
    expects: ["FAILED_PRECONDITION"],
    run: (target) => {
      const hello = encode(WorkRequestSchema, { hello: { analyzerId: "h", queues: [{ queue: "h" }], weight: 1 } });
      const body = Buffer.concat(Array.from({ length: 10_000 }, () => message(hello)));
      return calls(target, { path: WORK, body });
    },
  },
  {
    name: "payloads that are too large",
    limit: "maxPayloadBytes",
    expects: ["INVALID_ARGUMENT"],
    run: (target) => {
      const task = { queue: "q", payload: new Uint8Array(2 * MIB) };
      return calls(target, { body: message(encode(SubmitRequestSchema, { task })) });
    },
  },
];
