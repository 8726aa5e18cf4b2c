import { readdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Workshop } from "./program.ts";

const DEADLINE_MS = 120_000;
let workshop: Workshop;

beforeEach(() => {
  workshop = new Workshop();
});

afterEach(() => workshop[Symbol.asyncDispose]());

/** A demo's temporary folder goes into the workshop, so that other demos on this machine are none of its business. */
function temporary(): NodeJS.ProcessEnv {
  return { TMPDIR: workshop.directory };
}

function demoFolders(): string[] {
  return readdirSync(workshop.directory).filter((name) => name.startsWith("sluice-demo-"));
}

describe("sluice demo", { timeout: DEADLINE_MS }, () => {
  it("completes every task, by weight, and leaves nothing behind", async () => {
    const { status, out, err } = await workshop.run(
      ["demo", "--json", "--tasks", "500", "--duration", "3s"],
      temporary(),
    );
    expect(err).toContain("emitted");
    expect(JSON.parse(out)).toMatchObject({ ok: true, problems: [], emitted: 500, accepted: 500, completed: 500 });
    expect(status).toBe(0);
    expect(demoFolders()).toEqual([]);
  });

  it("loses nothing when the heaviest analyzer is killed", async () => {
    const { out } = await workshop.run(
      ["demo", "--chaos", "--json", "--tasks", "600", "--duration", "4s"],
      temporary(),
    );
    expect(JSON.parse(out)).toMatchObject({
      problems: [],
      completed: 600,
      crash: { analyzerId: "analyzer-1" },
      stretches: [{ rows: { length: 4 } }, { rows: { length: 3 } }],
    });
  });

  it("does what is chosen from its menu: sends, kills, starts again, weighs, shows who got what", async () => {
    const demo = workshop.start(["demo", "--interactive", "--weights", "3,1"], temporary());
    const choices = ["1 4", "6", "7", "1", "8 analyzer-1", "9 2", "3", "2 4", "6", "5", "9 2 heavy", "x", "q"];
    demo.input.end(`${choices.join("\n")}\n`);
    const { status, out, err } = await demo.ended;
    expect(err).toBe("");
    expect(status).toBe(0);
    expect(out).toContain("100 logs accepted from 10 emitters");
    expect(out).toMatch(/since the start, all done\nANALYZER.*\nanalyzer-1 +3 +7\d .*\nanalyzer-2 +1 +2\d /);
    expect(out).toContain("analyzer-1 was killed");
    expect(out).toContain("analyzer-1 was started again");
    expect(out).toContain("all done: 600 tasks completed");
    expect(out).toMatch(
      /since analyzer-2 has weight 3, all done\nANALYZER.*\nanalyzer-1 +3 +2[45]\d .*\nanalyzer-2 +3 +2[45]\d /,
    );
    expect(out).toMatch(/^logs: shares$/m);
    expect(out).toContain("'heavy' is no weight");
    expect(out).toContain("there is no choice 'x'");
    expect(demoFolders()).toEqual([]);
  });

  it("leaves nothing behind when it is interrupted", async () => {
    const demo = workshop.start(["demo"], temporary());
    await demo.says("emitted");
    demo.kill("SIGINT");
    expect(await demo.ended).toMatchObject({ status: 1, err: expect.stringContaining("interrupted") });
    expect(demoFolders()).toEqual([]);
  });

  it("takes its processes with it when it is killed", async () => {
    const demo = workshop.start(["demo"], temporary());
    const address = await demo.until(({ out }) => /to (127\.0\.0\.1:\d+)\n/.exec(out)?.[1]);
    demo.kill("SIGKILL");
    await vi.waitFor(
      async () => {
        const { err } = await workshop.run(["stats", "--address", address]);
        expect(err).toContain("no node at");
      },
      { timeout: 30_000, interval: 200 },
    );
  });
});
