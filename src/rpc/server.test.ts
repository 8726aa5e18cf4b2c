import { connect, createServer } from "node:net";
import { status } from "@grpc/grpc-js";
import { AdminService } from "@sluice/client/contract";
import { describe, expect, test } from "vitest";
import { endOf, RawClient } from "../../test/support/raw-client.ts";
import { useRig } from "../../test/support/rpc-rig.ts";
import { DEFAULT_RPC_LIMITS } from "./limits.ts";

const admin = AdminService.method;
const on = useRig();
describe("a server", () => {
  test("on a port that is taken says so and what to do", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    await expect(on.rig.start({ port })).rejects.toThrow(
      /^port \d+ on 127\.0\.0\.1 is taken: stop the other program or choose/,
    );
    await new Promise((resolve) => taken.close(resolve));
  });

  test("refuses limits that contradict each other", async () => {
    const limits = { ...DEFAULT_RPC_LIMITS, maxPayloadBytes: DEFAULT_RPC_LIMITS.maxMessageBytes };
    await expect(on.rig.start({ limits })).rejects.toThrow(/^maxMessageBytes .* raise the one or lower the other/);
  });

  test("closes connections over its limit and says so once", async () => {
    const limited = await on.rig.start({ limits: { ...DEFAULT_RPC_LIMITS, maxConnections: 1 } });
    using first = new RawClient(limited.port);
    const watch = first.serverStream(admin.watchStats, Buffer.alloc(0)).on("error", () => {});
    await new Promise((resolve) => watch.once("data", resolve));
    for (let attempt = 0; attempt < 2; attempt++) {
      const socket = connect(limited.port, "127.0.0.1");
      await new Promise<void>((resolve) => {
        socket.on("error", () => {});
        socket.on("close", () => resolve());
      });
    }
    await first.unary(admin.listQueues, {});
    const message = "connections are refused: raise maxConnections or close some";
    expect(on.rig.logged).toEqual([{ fields: { event: "connection.refused", maxConnections: 1 }, message }]);
    await limited.close();
  });

  test("makes room for a connection by closing one that has no call", async () => {
    const limited = await on.rig.start({ limits: { ...DEFAULT_RPC_LIMITS, maxConnections: 1 } });
    using first = new RawClient(limited.port);
    await first.unary(admin.listQueues, {});
    using second = new RawClient(limited.port);
    await second.unary(admin.listQueues, {});
    await first.unary(admin.listQueues, {});
    expect(on.rig.logged).toEqual([]);
    await limited.close();
  });

  test("that drains waits for the Work streams, then ends the rest", async () => {
    const { stream, session, ended } = await on.rig.openWork(on.client);
    const watch = endOf(on.client.serverStream(admin.watchStats, Buffer.alloc(0)).on("data", () => {}));
    const drained = on.server.drain(60_000);
    // Still there while analyzers finish.
    await on.client.unary(admin.listQueues, {});
    stream.end();
    await session.until("finished");
    session.port.end();
    expect((await ended).code).toBe(status.OK);
    expect((await watch).code).toBe(status.UNAVAILABLE);
    await drained;
    await on.server.drain(0);
    expect(session.events.some(({ kind }) => kind === "broken")).toBe(false);
  });

  test("that closes tells the streams it ends, and the engine", async () => {
    const { session, ended } = await on.rig.openWork(on.client);
    await on.server.close();
    expect((await ended).code).toBe(status.UNAVAILABLE);
    expect(session.events.map(({ kind }) => kind)).toEqual(["frame", "broken"]);
    await on.server[Symbol.asyncDispose]();
  });

  test("survives what is not HTTP/2, and connections that break off", async () => {
    for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000garbage", ""]) {
      const socket = connect(on.server.port, "127.0.0.1");
      socket.on("error", () => {});
      await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
      socket.resetAndDestroy();
    }
    await on.client.unary(admin.listQueues, {});
  });
});
