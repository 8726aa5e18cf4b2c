import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { runInProcess } from "./in-process.ts";
import { type Ended, freePort, type Program, Workshop } from "./program.ts";

const DEADLINE_MS = 60_000;
let workshop: Workshop;

let address: string;
/** Queue of the test that runs: the node is the same for all. */
let queue: string;
let tests = 0;

beforeAll(async () => {
  workshop = new Workshop();
  ({ address } = await workshop.serve("--store", "memory"));
}, DEADLINE_MS);

beforeEach(() => {
  tests += 1;
  queue = `q${tests}`;
});

afterAll(() => workshop[Symbol.asyncDispose]());

/** An analyzer that runs `command`. */
async function analyzer(command: string): Promise<Program> {
  const worker = workshop.start(["work", "--queue", queue, "--exec", command, "--address", address]);
  await worker.says("attached to");
  return worker;
}

async function submit(...options: string[]): Promise<string> {
  const { out } = await workshop.run(["submit", "--queue", queue, "--address", address, ...options]);
  return out.trim();
}

function tasks(...args: string[]): Promise<Ended> {
  return runInProcess(["tasks", ...args, "--address", address]);
}

describe("sluice submit and work", { timeout: DEADLINE_MS }, () => {
  it("give a task to a program and its output back", async () => {
    await analyzer("tr a-z A-Z");
    const id = await submit("--payload", '{"message": "hi"}');
    const waited = await tasks("wait", "--result", id);
    expect(waited).toMatchObject({ status: 0, out: '{"MESSAGE": "HI"}\n' });
  });

  it("make a dead letter at once of a task that its program calls hopeless", async () => {
    await analyzer("echo 'no such order' >&2; exit 65");
    const id = await submit("--payload", "1", "--max-attempts", "9");
    const waited = await tasks("wait", id);
    expect(waited).toMatchObject({ status: 1, out: `${id}  failed  EXIT_STATUS: exit status 65: no such order\n` });
  });

  it("repeat a failed attempt", async () => {
    const worker = await analyzer('echo "attempt $SLUICE_ATTEMPT"; test "$SLUICE_ATTEMPT" -ge 2');
    const id = await submit("--payload", "1");
    const waited = await tasks("wait", "--result", id);
    expect(waited).toMatchObject({ status: 0, out: "attempt 2\n\n" });
    expect(worker.err).toContain("attempt 1 failed with EXIT_STATUS: exit status 1");
  });

  it("kill the program of a cancelled task", async () => {
    const pidFile = join(workshop.directory, "pid");
    await analyzer(`echo $$ > ${pidFile}; exec sleep 60`);
    const id = await submit("--payload", "1");
    const pid = await vi.waitFor(() => Number(readPid(pidFile)), { timeout: 10_000 });
    await tasks("cancel", id);
    const waited = await tasks("wait", id);
    expect(waited.out).toContain("cancelled");
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow());
  });

  it("finish what runs when the analyzer is told to stop", async () => {
    const started = join(workshop.directory, "started");
    const worker = await analyzer(`touch ${started}; sleep 1; echo done`);
    const id = await submit("--payload", "1");
    await vi.waitFor(() => expect(existsSync(started)).toBe(true), { timeout: 10_000 });
    worker.kill("SIGTERM");
    expect(await worker.ended).toMatchObject({ status: 0, err: expect.stringContaining("1 task done") });
    const waited = await tasks("wait", "--result", id);
    expect(waited.out).toBe("done\n\n");
  });

  it("use the handlers of a module", async () => {
    const module = join(workshop.directory, "handlers.mjs");
    writeFileSync(module, 'export default { sum: (task) => task.json().reduce((a, b) => a + b), "*": () => "other" };');
    workshop.start(["work", "--queue", queue, "--handlers", "handlers.mjs", "--address", address]);
    const ids = [await submit("--type", "sum", "--payload", "[1,2,3]"), await submit("--payload", "0")];
    const results = ids.map((id) => tasks("wait", "--result", id));
    expect((await Promise.all(results)).map(({ out }) => out)).toEqual(["6\n", "other\n"]);
  });

  it("take lines from standard input as they come", async () => {
    const lines = workshop.start(["submit", "--queue", queue, "--lines", "-", "--json", "--address", address]);
    lines.input.end("one\ntwo\n\nthree");
    const { out, status } = await lines.ended;
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ accepted: 3, failed: 0 });
  });

  it("accept what is right in a file and name what is wrong", async () => {
    writeFileSync(join(workshop.directory, "jobs.jsonl"), '{"payload": 1}\nnope\n{"queue": "a b"}\n{"payload": 2}\n');
    const { status, out, err } = await workshop.run(["submit", "--file", "jobs.jsonl", "--address", address]);
    expect(status).toBe(1);
    expect(out).toMatch(/^2 tasks accepted in .*, 2 not accepted\n$/);
    expect(err).toContain("jobs.jsonl:2: not JSON");
    expect(err).toContain("queue must be");
  });

  it("wait for a node that is not there yet, and say so once", async () => {
    const port = await freePort();
    const later = `127.0.0.1:${port}`;
    const submitter = workshop.start(["submit", "--queue", "q", "--payload", "1", "--address", later]);
    const worker = workshop.start(["work", "--queue", "q", "--exec", "cat", "--address", later]);
    await Promise.all([submitter.says("waiting: no node at"), worker.says("waiting: no node at")]);
    await workshop.serve("--store", "memory", "--port", `${port}`);
    const { status, err } = await submitter.ended;
    expect(status).toBe(0);
    expect(err.match(/waiting/g)).toHaveLength(1);
    await worker.says("attached to");
  });
});

function readPid(file: string): string {
  const text = readFileSync(file, "utf8").trim();
  if (text === "") throw new Error("not written yet");
  return text;
}
