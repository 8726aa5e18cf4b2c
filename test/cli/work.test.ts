import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Program, Workshop } from "./program.ts";

const DEADLINE_MS = 60_000;
let workshop: Workshop;

beforeEach(() => {
  workshop = new Workshop();
});

afterEach(() => workshop[Symbol.asyncDispose]());

/** A node in memory with an analyzer that runs `command`. */
async function analyzer(command: string): Promise<{ readonly address: string; readonly worker: Program }> {
  const { address } = await workshop.serve("--store", "memory");
  const worker = workshop.start(["work", "--queue", "q", "--id", "w1", "--exec", command, "--address", address]);
  await worker.says("attached to");
  return { address, worker };
}

async function submit(address: string, ...options: string[]): Promise<string> {
  const { out } = await workshop.run(["submit", "--queue", "q", "--address", address, ...options]);
  return out.trim();
}

describe("sluice submit and work", { timeout: DEADLINE_MS }, () => {
  it("give a task to a program and its output back", async () => {
    const { address } = await analyzer("tr a-z A-Z");
    const id = await submit(address, "--payload", '{"message": "hi"}');
    const waited = await workshop.run(["tasks", "wait", "--result", id, "--address", address]);
    expect(waited).toMatchObject({ status: 0, out: '{"MESSAGE": "HI"}\n' });
  });

  it("make a dead letter at once of a task that its program calls hopeless", async () => {
    const { address } = await analyzer("echo 'no such order' >&2; exit 65");
    const id = await submit(address, "--payload", "1", "--max-attempts", "9");
    const waited = await workshop.run(["tasks", "wait", id, "--address", address]);
    expect(waited).toMatchObject({ status: 1, out: `${id}  failed  EXIT_STATUS: exit status 65: no such order\n` });
  });

  it("repeat a failed attempt", async () => {
    const { address, worker } = await analyzer('echo "attempt $SLUICE_ATTEMPT"; test "$SLUICE_ATTEMPT" -ge 2');
    const id = await submit(address, "--payload", "1");
    const waited = await workshop.run(["tasks", "wait", "--result", id, "--address", address]);
    expect(waited).toMatchObject({ status: 0, out: "attempt 2\n\n" });
    expect(worker.err).toContain("attempt 1 failed with EXIT_STATUS: exit status 1");
  });

  it("kill the program of a cancelled task", async () => {
    const pidFile = join(workshop.directory, "pid");
    const { address } = await analyzer(`echo $$ > ${pidFile}; exec sleep 60`);
    const id = await submit(address, "--payload", "1");
    const pid = await vi.waitFor(() => Number(readPid(pidFile)), { timeout: 10_000 });
    await workshop.run(["tasks", "cancel", id, "--address", address]);
    const waited = await workshop.run(["tasks", "wait", id, "--address", address]);
    expect(waited.out).toContain("cancelled");
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow());
  });

  it("finish what runs when the analyzer is told to stop", async () => {
    const started = join(workshop.directory, "started");
    const { address, worker } = await analyzer(`touch ${started}; sleep 1; echo done`);
    const id = await submit(address, "--payload", "1");
    await vi.waitFor(() => expect(existsSync(started)).toBe(true), { timeout: 10_000 });
    worker.kill("SIGTERM");
    expect(await worker.ended).toMatchObject({ status: 0, err: expect.stringContaining("1 task done") });
    const waited = await workshop.run(["tasks", "wait", "--result", id, "--address", address]);
    expect(waited.out).toBe("done\n\n");
  });

  it("use the handlers of a module", async () => {
    const module = join(workshop.directory, "handlers.mjs");
    writeFileSync(module, 'export default { sum: (task) => task.json().reduce((a, b) => a + b), "*": () => "other" };');
    const { address } = await workshop.serve("--store", "memory");
    workshop.start(["work", "--queue", "q", "--handlers", "handlers.mjs", "--address", address]);
    const ids = [
      await submit(address, "--type", "sum", "--payload", "[1,2,3]"),
      await submit(address, "--payload", "0"),
    ];
    const results = ids.map((id) => workshop.run(["tasks", "wait", "--result", id, "--address", address]));
    expect((await Promise.all(results)).map(({ out }) => out)).toEqual(["6\n", "other\n"]);
  });

  it("take lines from standard input as they come", async () => {
    const { address } = await workshop.serve("--store", "memory");
    const lines = workshop.start(["submit", "--queue", "q", "--lines", "-", "--json", "--address", address]);
    lines.input.end("one\ntwo\n\nthree");
    const { out, status } = await lines.ended;
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ accepted: 3, failed: 0 });
  });

  it("accept what is right in a file and name what is wrong", async () => {
    const { address } = await workshop.serve("--store", "memory");
    writeFileSync(join(workshop.directory, "jobs.jsonl"), '{"payload": 1}\nnope\n{"queue": "a b"}\n{"payload": 2}\n');
    const { status, out, err } = await workshop.run(["submit", "--file", "jobs.jsonl", "--address", address]);
    expect(status).toBe(1);
    expect(out).toMatch(/^2 tasks accepted in .*, 2 not accepted\n$/);
    expect(err).toContain("jobs.jsonl:2: not JSON");
    expect(err).toContain("queue must be");
  });

  it("wait for a node that is not there yet, and say so once", async () => {
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const submitter = workshop.start(["submit", "--queue", "q", "--payload", "1", "--address", address]);
    const worker = workshop.start(["work", "--queue", "q", "--exec", "cat", "--address", address]);
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

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
