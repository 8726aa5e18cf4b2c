import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Admin, Emitter } from "@sluice/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type PoolStatus, poolStatusSchema } from "../../src/cli/pool/status.ts";
import { runInProcess } from "./in-process.ts";
import { type Program, Workshop } from "./program.ts";

const DEADLINE_MS = 120_000;
/** A condition that is awaited must hold by then; the machine may be busy with other tests. */
const PATIENCE_MS = 60_000;
/** Short times, so that a pool grows and shrinks while a test waits. */
const BRISK = ["--interval", "200ms", "--cool-down", "1s", "--target-wait", "500ms", "--drain-timeout", "10s"];

let workshop: Workshop;
let address: string;
let admin: Admin;
let env: { readonly XDG_RUNTIME_DIR: string };
/** Queue of the test that runs: the node is the same for all. */
let queue: string;
let tests = 0;

beforeAll(async () => {
  workshop = new Workshop();
  env = { XDG_RUNTIME_DIR: workshop.directory };
  ({ address } = await workshop.serve("--data-dir", "data", "--resume-grace-ms", "300"));
  admin = new Admin({ address });
}, DEADLINE_MS);

beforeEach(() => {
  tests += 1;
  queue = `pool/${tests}`;
});

afterAll(async () => {
  await admin.close();
  await workshop[Symbol.asyncDispose]();
});

function startPool(...options: string[]): Program {
  return workshop.start(["pool", "--queue", queue, "--address", address, ...BRISK, ...options], env);
}

/** A module of handlers in the workshop. */
function handlers(body: string): string[] {
  const file = join(workshop.directory, `handlers-${tests}.mjs`);
  writeFileSync(file, `import { setTimeout as wait } from "node:timers/promises";\n${body}\n`);
  return ["--handlers", file];
}

async function status(): Promise<PoolStatus> {
  const { out, err } = await runInProcess(["pool", "status", queue, "--json"], { env });
  if (err !== "") throw new Error(err);
  const [pool] = poolStatusSchema.array().parse(JSON.parse(out));
  if (pool === undefined) throw new Error("no pool was shown");
  return pool;
}

/** Resolves with the status once it is as wanted. */
function until(assertion: (pool: PoolStatus) => void): Promise<PoolStatus> {
  return vi.waitFor(
    async () => {
      const pool = await status();
      assertion(pool);
      return pool;
    },
    { timeout: PATIENCE_MS, interval: 50 },
  );
}

function ups(pool: PoolStatus): number[] {
  return pool.analyzers.flatMap(({ state, pid }) => (state === "up" && pid !== null ? [pid] : []));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function counts() {
  const [found] = (await admin.stats(queue)).queues;
  return found?.counts;
}

describe("a pool", { timeout: DEADLINE_MS }, () => {
  it("goes from 1 to 8 analyzers and back under a burst of 5,000 tasks, one of them killed, and loses none", async () => {
    const work = handlers("export default async () => { await wait(50); };");
    const pool = startPool("--min", "1", "--max", "8", "--concurrency", "10", ...work);
    await pool.says("attached to");
    expect(ups(await status())).toHaveLength(1);
    const emitter = new Emitter({ address });
    const burst = await emitter.submitMany(Array.from({ length: 5000 }, () => ({ queue })));
    await emitter.close();
    expect(burst).toMatchObject({ accepted: 5000, duplicates: 0, failures: 0 });
    const full = await until((now) => expect(ups(now)).toHaveLength(8));
    process.kill(ups(full)[0] ?? 0, "SIGKILL");
    await pool.says("ended unasked with SIGKILL: starting again in 1s");
    await vi.waitFor(async () => expect((await counts())?.completed).toBe(5000), { timeout: PATIENCE_MS });
    expect(await counts()).toMatchObject({ pending: 0, running: 0, retrying: 0, failed: 0, cancelled: 0 });
    const small = await until((now) => expect(now.analyzers).toHaveLength(1));
    expect(small).toMatchObject({ min: 1, max: 8, target: 1, scaling: { waiting: 0, running: 0 } });
    pool.kill("SIGTERM");
    expect((await pool.ended).status).toBe(0);
    expect(ups(small).filter(isAlive)).toEqual([]);
  });

  it("is set by hand until it is left to what the queue wants", async () => {
    const pool = startPool("--max", "3", "--exec", "cat");
    await pool.says("attached to");
    const scale = async (to: string) => (await runInProcess(["pool", "scale", queue, to], { env })).out;
    expect(await scale("2")).toMatch(/2 up, 2 to be, 1 to 3 allowed; set by hand, 'sluice pool scale QUEUE auto'/);
    expect(await runInProcess(["pool", "scale", queue, "4"], { env })).toMatchObject({
      status: 1,
      err: 'error: analyzers must be a whole number from 0 to 3 (--max), or "auto"\n',
    });
    expect(await scale("0")).toContain("0 up, 0 to be");
    await until((now) => expect(now.analyzers).toEqual([]));
    await scale("auto");
    await until((now) => expect(ups(now)).toHaveLength(1));
    pool.kill("SIGINT");
    expect((await pool.ended).status).toBe(0);
  });

  it("finishes what runs before it ends", async () => {
    const pool = startPool("--exec", "read go; echo began >&2; sleep 1; echo done");
    const emitter = new Emitter({ address });
    const task = await emitter.submit({ queue, payload: "go\n" });
    await vi.waitFor(async () => expect((await counts())?.running).toBe(1), { timeout: PATIENCE_MS });
    pool.kill("SIGTERM");
    expect((await pool.ended).status).toBe(0);
    const { attempts, result } = await admin.getTask(task.id);
    expect([attempts, Buffer.from(result?.output ?? []).toString()]).toEqual([0, "done\n"]);
    await emitter.close();
  });

  it("starts again what crashes, later each time, and calls it a crash loop", async () => {
    const pool = startPool("--max", "1", ...handlers('throw new Error("cannot begin");'));
    await pool.says("ended unasked with exit status 1: starting again in 1s");
    await pool.says("ended unasked with exit status 1: starting again in 2s");
    await pool.says("ended unasked with exit status 1: crash loop, 3 in a row; starting again in 4s");
    const { analyzers } = await status();
    expect(analyzers).toMatchObject([{ state: "crashed", crashes: 3, pid: null }]);
    expect((await runInProcess(["pool", "status"], { env })).out).toMatch(/ crash loop +- .* 3 in a row, again in \d/);
    pool.kill("SIGTERM");
    expect((await pool.ended).status).toBe(0);
  });

  it("ends when its analyzers are started in a wrong way", async () => {
    const { status, err } = await startPool("--handlers", "none.mjs").ended;
    expect(status).toBe(2);
    expect(err).toMatch(/error: --handlers: there is no file .*none\.mjs\n/);
    expect(err).toContain("was started in a wrong way, as any other would be: the pool ends");
  });

  it("is one for each queue, and says so", async () => {
    const pool = startPool("--exec", "cat");
    await pool.says("attached to");
    const second = await startPool("--exec", "cat").ended;
    expect(second.status).toBe(1);
    expect(second.err).toMatch(
      /^error: a pool of queue pool\/\d+ runs already, as pid \d+: see 'sluice pool status'\n$/,
    );
    pool.kill("SIGTERM");
    await pool.ended;
    expect(await runInProcess(["pool", "status", queue], { env })).toMatchObject({
      status: 1,
      err: `error: no pool of queue ${queue} runs on this machine; start one with 'sluice pool --queue ${queue} --exec CMD'\n`,
    });
  });

  it("stays as it is while no node answers", async () => {
    const pool = workshop.start(["pool", "--queue", queue, "--address", "127.0.0.1:1", ...BRISK, "--exec", "cat"], env);
    await pool.says("waiting: no node at 127.0.0.1:1; start one with 'sluice serve'");
    await until(({ problem, analyzers }) => {
      expect(problem).toContain("no node at 127.0.0.1:1");
      expect(analyzers).toHaveLength(1);
    });
    pool.kill("SIGTERM");
    expect((await pool.ended).status).toBe(0);
  });

  it("leaves no analyzer behind when it is killed, or ended at once by a second signal", async () => {
    for (const signals of [["SIGKILL"], ["SIGTERM", "SIGINT"]] as const) {
      const pool = startPool("--min", "2", "--drain-timeout", "500ms", "--exec", "sleep 30");
      const emitter = new Emitter({ address });
      await emitter.submit({ queue });
      await emitter.close();
      const { analyzers } = await until((now) => expect(ups(now)).toHaveLength(2));
      await vi.waitFor(async () => expect((await counts())?.running).toBeGreaterThan(0), { timeout: PATIENCE_MS });
      for (const signal of signals) {
        pool.kill(signal);
        if (signal === "SIGTERM") await pool.says("finishing what runs");
      }
      await pool.ended;
      const pids = analyzers.flatMap(({ pid }) => (pid === null ? [] : [pid]));
      await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: PATIENCE_MS, interval: 50 });
    }
  });
});

describe("the command line of a pool", () => {
  it.each([
    [["--exec", "cat"], "say which queue to serve with --queue"],
    [["--queue", "q"], "say how to work on tasks with one of --exec, --handlers"],
    [
      ["--queue", "q", "--exec", "cat", "--handlers", "x.js"],
      "say how to work on tasks with one of --exec, --handlers",
    ],
    [["--queue", "q", "--exec", "cat", "--min", "9"], "--min 9 is more than --max 8"],
  ])("%j is refused: %s", async (options, message) => {
    expect(await runInProcess(["pool", ...options])).toMatchObject({ status: 2, err: `error: ${message}\n` });
  });
});
