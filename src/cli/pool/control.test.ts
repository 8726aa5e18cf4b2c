import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requestScale, requestStatus } from "./control-client.ts";
import { type PoolControl, serveControl } from "./control-server.ts";
import { openRuntimeDirectory, runtimeDirectory, socketPath, socketPaths } from "./runtime-directory.ts";
import type { PoolStatus } from "./status.ts";

let directory: string;
let path: string;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "sluice-pool-")), "sluice");
  openRuntimeDirectory(directory);
  path = socketPath(directory, "mail");
});

afterEach(() => rmSync(join(directory, ".."), { recursive: true, force: true }));

class FakePool implements PoolControl {
  byHand: number | undefined;

  status(): PoolStatus {
    return {
      queue: "mail",
      pid: 42,
      addresses: ["127.0.0.1:7070"],
      min: 1,
      max: 8,
      target: this.byHand ?? 1,
      byHand: this.byHand ?? null,
      scaling: null,
      problem: null,
      analyzers: [],
    };
  }

  scale(analyzers: number | undefined): void {
    this.byHand = analyzers;
  }
}

/** A request that the client would not make. */
function post(url: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: path, path: url, method: "POST" }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on("error", reject);
    call.end(body);
  });
}

describe("the control socket", () => {
  test("shows and scales the pool", async () => {
    const pool = new FakePool();
    await using _server = await serveControl(path, "mail", pool);
    expect(await requestStatus(path)).toEqual(pool.status());
    expect(await requestScale(path, 3)).toMatchObject({ byHand: 3, target: 3 });
    expect(await requestScale(path, "auto")).toMatchObject({ byHand: null });
    expect(pool.byHand).toBeUndefined();
  });

  test("refuses what it does not know, and more than the pool's most", async () => {
    const pool = new FakePool();
    await using _server = await serveControl(path, "mail", pool);
    await expect(requestScale(path, 9)).rejects.toThrow("analyzers must be a whole number from 0 to 8 (--max)");
    for (const body of ["", "{", "[]", '{"analyzers": 1.5}', '{"analyzers": "many"}', `"${"x".repeat(5000)}"`]) {
      expect(await post("/scale", body)).toBe(400);
    }
    expect(await post("/status", "")).toBe(404);
    expect(pool.byHand).toBeUndefined();
  });

  test("is nobody's when no pool runs, also when one was killed and left it behind", async () => {
    expect(await requestStatus(path)).toBeUndefined();
    const killed = await serveControl(path, "mail", new FakePool());
    expect(socketPaths(directory)).toEqual([path]);
    await killed[Symbol.asyncDispose]();
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, "");
    expect(await requestStatus(path)).toBeUndefined();
    await using _server = await serveControl(path, "mail", new FakePool());
    expect(await requestStatus(path)).toMatchObject({ pid: 42 });
  });

  test("belongs to one pool of a queue", async () => {
    await using _server = await serveControl(path, "mail", new FakePool());
    await expect(serveControl(path, "mail", new FakePool())).rejects.toThrow(
      "a pool of queue mail runs already, as pid 42: see 'sluice pool status'",
    );
    expect(await requestStatus(path)).toMatchObject({ pid: 42 });
  });
});

describe("the folder of the control sockets", () => {
  test("is that of the user's session, else one of the user's own", () => {
    expect(runtimeDirectory({ env: { XDG_RUNTIME_DIR: "/run/user/7" } })).toBe("/run/user/7/sluice");
    expect(runtimeDirectory({ env: {} })).toMatch(/\/sluice-\d+$/);
  });

  test("has a socket for any name of a queue", () => {
    const paths = ["a", "a/b", "A", "x".repeat(128)].map((queue) => socketPath(directory, queue));
    expect(new Set(paths).size).toBe(4);
    expect(() => socketPath("/".padEnd(100, "x"), "a")).toThrow("set XDG_RUNTIME_DIR to a folder with a shorter name");
    expect(socketPaths(join(directory, "none"))).toEqual([]);
  });

  test("is refused when others can use it, or when it is not a folder", () => {
    const open = join(directory, "open");
    mkdirSync(open);
    chmodSync(open, 0o755);
    const link = join(directory, "link");
    symlinkSync(directory, link);
    for (const place of [open, link])
      expect(() => openRuntimeDirectory(place)).toThrow("is not a folder that only you");
  });
});
