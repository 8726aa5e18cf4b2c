/**
 * The guard before a real server: what single clients do, and that others do not notice. `test/abuse` does the same to a node
 * under load, and measures.
 */
import { AdminService, DistributorService } from "@sluice/client/contract";
import { describe, expect, test } from "vitest";
import { callHeaders, dataFrames, frame, message, TYPE } from "../../../test/abuse/frames.ts";
import { RawPeer } from "../../../test/abuse/raw-peer.ts";
import { pathOf } from "../../../test/support/raw-client.ts";
import { until, useRig } from "../../../test/support/rpc-rig.ts";
import { CONTROL_RATE, RESET_RATE } from "../limits.ts";

const on = useRig();
const admin = AdminService.method;
const SUBMIT_BATCH = pathOf(DistributorService.method.submitBatch);
const MIB = 1024 * 1024;
const CANCEL = Buffer.of(0, 0, 0, 8);

function repeated(count: number, make: (index: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
}

async function connected(): Promise<RawPeer> {
  const peer = new RawPeer({ port: on.server.port });
  await peer.greeted;
  return peer;
}

/** What the log says of connections that were ended, once it does. */
async function reasonOfCut(): Promise<unknown> {
  const cut = () => on.rig.logged.find(({ fields }) => fields["event"] === "connection.cut");
  await until(() => cut() !== undefined);
  return cut()?.fields["reason"];
}

describe("a connection is ended", () => {
  test.each([
    ["pings", frame(TYPE.ping, 0, 0, Buffer.alloc(8))],
    ["settings", frame(TYPE.settings, 0, 0)],
    ["priorities", frame(TYPE.priority, 0, 3, Buffer.of(0, 0, 0, 0, 1))],
  ])("for too many %s, and others are served", async (_name, bytes) => {
    using peer = await connected();
    await peer.write(repeated(CONTROL_RATE.burst * 3, () => bytes));
    await peer.closed;
    expect(await reasonOfCut()).toBe("too many control frames");
    await on.client.unary(admin.listQueues, {});
  });

  test("for too many resets", async () => {
    using peer = await connected();
    const path = pathOf(DistributorService.method.work);
    const resets = repeated(RESET_RATE.burst * 2, (index) =>
      Buffer.concat([callHeaders(2 * index + 1, path), frame(TYPE.reset, 0, 2 * index + 1, CANCEL)]),
    );
    await peer.write(resets);
    await peer.closed;
    expect(await reasonOfCut()).toBe("too many resets");
  });

  test("for a message in too many small parts", async () => {
    using peer = await connected();
    await peer.write(callHeaders(1, SUBMIT_BATCH));
    await peer.write(dataFrames(1, message(Buffer.alloc(CONTROL_RATE.burst * 3)), 1, false));
    await peer.closed;
    expect(await reasonOfCut()).toBe("a message in too many parts");
  });

  test("for compressed messages that could become too much", async () => {
    using peer = await connected();
    // Not one of them is real: they count before they are unpacked.
    const calls = repeated(40, (index) => {
      const stream = 2 * index + 1;
      return Buffer.concat([
        callHeaders(stream, SUBMIT_BATCH),
        dataFrames(stream, message(Buffer.alloc(8192), true), undefined, false),
      ]);
    });
    await peer.write(calls.subarray(0, 60_000));
    await peer.write(calls.subarray(60_000));
    await peer.closed;
    expect(await reasonOfCut()).toBe("too much held in memory");
  });
});

describe("a connection is left alone", () => {
  test("that stays below the rates", async () => {
    using peer = await connected();
    await peer.write(repeated(CONTROL_RATE.burst / 2, () => frame(TYPE.ping, 0, 0, Buffer.alloc(8))));
    await peer.write(callHeaders(1, pathOf(admin.listQueues)));
    await peer.write(dataFrames(1, message(Buffer.alloc(0)), 1));
    await until(() => peer.answers > 0);
    expect(peer.ending).toBe("open");
  });

  test("with a large message in parts of a usual size", async () => {
    using peer = await connected();
    await peer.write(callHeaders(1, SUBMIT_BATCH));
    const size = 2 * MIB;
    // The window is 64 KiB at first: more comes as it is read.
    await peer.write(dataFrames(1, message(Buffer.alloc(60_000), false, size), 4096, false));
    await peer.write(callHeaders(3, pathOf(admin.listQueues)));
    await peer.write(dataFrames(3, message(Buffer.alloc(0))));
    await until(() => peer.answers > 0);
    expect(peer.ending).toBe("open");
  });
});
