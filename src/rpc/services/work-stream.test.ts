import { connect, createServer, type Socket } from "node:net";
import { fromBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { DistributorService, WorkRequestSchema, WorkResponseSchema } from "@sluice/client/contract";
import { describe, expect, test, vi } from "vitest";
import { encode, endOf, RawClient } from "../../../test/support/raw-client.ts";
import { HELLO, until, useRig } from "../../../test/support/rpc-rig.ts";
import { SluiceError } from "../../core/errors.ts";
import { MAX_UNSENT_BYTES, STREAM_END_GRACE_MS } from "../limits.ts";

const { work } = DistributorService.method;
const on = useRig();
describe("a Work stream", () => {
  test("hands frames to the engine and the engine's frames to the analyzer", async () => {
    const { stream, session, frames, ended } = await on.rig.openWork(on.client);
    expect(session.events).toMatchObject([{ frame: { credit: 1, hello: { analyzerId: "a1", weight: 0.4 } } }]);
    expect(session.port.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    const first = new Promise((resolve) => stream.once("data", resolve));
    expect(session.send({ accepted: [71] })).toBe(true);
    await first;
    expect(frames.map((frame) => fromBinary(WorkResponseSchema, frame).receipts?.accepted)).toEqual([[71n]]);
    stream.end();
    await session.until("finished");
    session.port.end();
    expect((await ended).code).toBe(status.OK);
    expect(session.events.map(({ kind }) => kind)).toEqual(["frame", "finished"]);
  });

  test("whose connection goes, as when the analyzer is killed, is broken and not finished", async () => {
    // The kernel closes the sockets of a killed process: so does this relay with its own.
    const upstreams: Socket[] = [];
    const relay = createServer((socket) => {
      const upstream = connect(on.server.port, "127.0.0.1");
      upstreams.push(upstream);
      socket.pipe(upstream).pipe(socket);
      for (const side of [socket, upstream]) side.on("error", () => {});
    });
    await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
    const address = relay.address();
    if (address === null || typeof address === "string") throw new Error("the relay has no port");
    using client = new RawClient(address.port);
    const { session } = await on.rig.openWork(client);
    for (const upstream of upstreams) upstream.destroy();
    await session.until("broken");
    relay.close();
    expect(session.events.map(({ kind }) => kind)).toEqual(["frame", "broken"]);
  });

  test("that is cancelled is broken, once", async () => {
    const { stream, session } = await on.rig.openWork(on.client);
    stream.cancel();
    await session.until("broken");
    expect(session.send({ accepted: [1] })).toBe(false);
    session.port.end(new SluiceError("ABORTED", "too late"));
    expect(session.events.map(({ kind }) => kind)).toEqual(["frame", "broken"]);
  });

  test("that the engine ends with an error gets its status, and later frames are dropped", async () => {
    const { stream, session, ended } = await on.rig.openWork(on.client);
    session.port.end(new SluiceError("ABORTED", "replaced by a newer session"));
    stream.write(encode(WorkRequestSchema, { credit: 5 }));
    expect(await ended).toMatchObject({ code: status.ABORTED, details: "replaced by a newer session" });
    expect(session.events).toHaveLength(1);
  });

  const frame = (init: Parameters<typeof encode<typeof WorkRequestSchema>>[1]) => encode(WorkRequestSchema, init);
  const weights = [0, -1, Number.NaN, Number.POSITIVE_INFINITY];
  const cases: [string, () => Buffer, RegExp][] = [
    ["garbage", () => Buffer.from([0xff, 0xff]), /^not a valid sluice\.v1\.WorkRequest/],
    ["too many releases", () => frame({ releases: Array.from({ length: 10_001 }, () => 1n) }), /^releases may have/],
    ...weights.map((weight): [string, () => Buffer, RegExp] => [
      `a hello with weight ${weight}`,
      () => frame({ hello: { ...HELLO, weight } }),
      /^hello\.weight must be 0.001 to 1000000/,
    ]),
  ];
  for (const [what, bytes, message] of cases) {
    test(`that sends ${what} ends with INVALID_ARGUMENT and harms no other`, async () => {
      const other = await on.rig.openWork(on.client);
      const { stream, session, ended } = await on.rig.openWork(on.client);
      stream.write(bytes());
      const end = await ended;
      expect(end.code).toBe(status.INVALID_ARGUMENT);
      expect(end.details).toMatch(message);
      expect(session.events.map(({ kind }) => kind)).toEqual(["frame", "broken"]);
      const received = new Promise((resolve) => other.stream.once("data", resolve));
      other.session.send({ accepted: [1] });
      await received;
      expect(other.session.events).toHaveLength(1);
      other.stream.cancel();
      await other.session.until("broken");
    });
  }

  test("that attaches to a failing engine gets INTERNAL", async () => {
    on.rig.distributor.failure = new Error("boom");
    const end = await endOf(on.client.duplex(work));
    expect(end.code).toBe(status.INTERNAL);
  });

  test("that reads too slowly is reported full, and writable again once it has read", async () => {
    const { stream, session, frames } = await on.rig.openWork(on.client);
    stream.pause();
    const spec = new Uint8Array(MAX_UNSENT_BYTES);
    // Far more than the buffers of both sides hold.
    const sent = Array.from({ length: 40 }, (_, lease) => session.send({ deliveries: [{ lease, attempt: 1, spec }] }));
    expect(sent.at(-1)).toBe(false);
    // It is still heard while it does not read.
    stream.write(encode(WorkRequestSchema, { credit: 3 }));
    await until(() => session.events.length > 1);
    expect(session.events.map(({ kind }) => kind)).toEqual(["frame", "frame"]);
    stream.resume();
    await session.until("writable");
    await until(() => frames.length === sent.length);
    stream.cancel();
    await session.until("broken");
  });

  test("that was ended but does not read is cut with its connection in the end", async () => {
    const { stream, session, ended } = await on.rig.openWork(on.client);
    stream.pause();
    const spec = new Uint8Array(MAX_UNSENT_BYTES);
    for (let lease = 0; lease < 40; lease++) session.send({ deliveries: [{ lease, attempt: 1, spec }] });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      session.port.end(new SluiceError("RESOURCE_EXHAUSTED", "read faster"));
      vi.advanceTimersByTime(STREAM_END_GRACE_MS);
    } finally {
      vi.useRealTimers();
    }
    stream.resume();
    expect((await ended).code).toBe(status.UNAVAILABLE);
    expect(session.events.map(({ kind }) => kind)).toEqual(["frame"]);
  });
});
