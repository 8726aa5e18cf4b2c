import { readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Workshop } from "./program.ts";

const DEADLINE_MS = 120_000;
let workshop: Workshop;

beforeEach(() => {
  workshop = new Workshop();
});

afterEach(() => workshop[Symbol.asyncDispose]());

function demoFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith("sluice-demo-"));
}

describe("sluice demo", { timeout: DEADLINE_MS }, () => {
  it("completes every task, by weight, and leaves nothing behind", async () => {
    const before = demoFolders();
    const { status, out, err } = await workshop.run(["demo", "--json", "--tasks", "500", "--duration", "3s"]);
    expect(err).toContain("emitted");
    expect(JSON.parse(out)).toMatchObject({ ok: true, problems: [], emitted: 500, accepted: 500, completed: 500 });
    expect(status).toBe(0);
    expect(demoFolders()).toEqual(before);
  });

  it("loses nothing when the heaviest analyzer is killed", async () => {
    const { out } = await workshop.run(["demo", "--chaos", "--json", "--tasks", "600", "--duration", "4s"]);
    expect(JSON.parse(out)).toMatchObject({
      problems: [],
      completed: 600,
      crash: { analyzerId: "analyzer-1" },
      stretches: [{ rows: { length: 4 } }, { rows: { length: 3 } }],
    });
  });

  it("leaves nothing behind when it is interrupted", async () => {
    const before = demoFolders();
    const demo = workshop.start(["demo"]);
    await demo.says("emitted");
    demo.kill("SIGINT");
    expect(await demo.ended).toMatchObject({ status: 1, err: expect.stringContaining("interrupted") });
    expect(demoFolders()).toEqual(before);
  });

  it("takes its processes with it when it is killed", async () => {
    const before = demoFolders();
    const demo = workshop.start(["demo"]);
    const address = await demo.until(({ out }) => /to (127\.0\.0\.1:\d+)\n/.exec(out)?.[1]);
    demo.kill("SIGKILL");
    await vi.waitFor(
      async () => {
        const { err } = await workshop.run(["stats", "--address", address]);
        expect(err).toContain("no node at");
      },
      { timeout: 30_000, interval: 200 },
    );
    // Nobody is left to take the folder away.
    for (const name of demoFolders()) {
      if (!before.includes(name)) rmSync(join(tmpdir(), name), { recursive: true, force: true, maxRetries: 5 });
    }
  });
});
