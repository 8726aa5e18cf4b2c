import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runInProcess } from "./in-process.ts";
import { Workshop } from "./program.ts";

const DEADLINE_MS = 60_000;
const EXAMPLES = fileURLToPath(new URL("../../examples/dispatch/", import.meta.url));
let workshop: Workshop;
let address: string;

beforeAll(async () => {
  workshop = new Workshop();
  ({ address } = await workshop.serve("--store", "memory"));
}, DEADLINE_MS);

afterAll(() => workshop[Symbol.asyncDispose]());

async function analyzer(id: string, queue: string, command: string): Promise<void> {
  const identity = ["--queue", queue, "--id", id, "--concurrency", "10"];
  const worker = workshop.start(["work", ...identity, "--exec", command, "--address", address]);
  await worker.says("attached to");
}

function write(text: string): string {
  writeFileSync(join(workshop.directory, "jobs.yaml"), text);
  return "jobs.yaml";
}

describe("sluice dispatch", { timeout: DEADLINE_MS }, () => {
  it("runs the example side by side and reports each task", async () => {
    const count = join(EXAMPLES, "count.sh");
    await Promise.all([analyzer("left", "counts", count), analyzer("right", "counts", count)]);
    const file = join(EXAMPLES, "word-counts.yaml");
    const { status, out } = await workshop.run(["dispatch", file, "--json", "--address", address]);
    const report: unknown = JSON.parse(out);
    expect(report).toMatchObject({ ok: true, tasks: { length: 6 } });
    expect(report).toMatchObject({
      tasks: [
        { name: "greeting", state: "completed", attempts: 1, retries: 0, result: expect.stringMatching(/^\s*4\n$/) },
        { name: "a longer text" },
        { name: "as JSON" },
        { name: "urgent" },
        { name: "works the second time", state: "completed", attempts: 2, retries: 1 },
        { name: "later", analyzer: expect.stringMatching(/^(left|right)$/) },
      ],
    });
    expect(status).toBe(0);
  });

  it("fails when a task is refused, fails, is not done in time, or ran at an unexpected analyzer", async () => {
    await analyzer("w1", "q", 'test "$SLUICE_TYPE" != dead');
    const file = write(`
timeoutMs: 3000
defaults: { queue: q, retry: { maxAttempts: 1 } }
tasks:
  - { name: fine, analyzers: [w1] }
  - { name: elsewhere, analyzers: [w2] }
  - { name: dead, type: dead }
  - { name: refused, priority: 12 }
  - { name: nobody, queue: other }
`);
    const { status, out, err } = await workshop.run(["dispatch", file, "--address", address]);
    expect(status).toBe(1);
    expect(out).toMatch(/^fine +completed +w1 /m);
    expect(out).toContain("5 tasks: 1 completed, 1 completed (unexpected), 1 failed, 1 refused, 1 open");
    expect(out).toContain("failed: elsewhere: unexpected analyzer: it ran at w1, expected w2");
    expect(out).toContain("failed: dead: EXIT_STATUS: exit status 1");
    expect(out).toContain("failed: refused: jobs.yaml:8: priority must be 0 to 9");
    expect(err).toMatch(/^not ended after 3s; 1 task still open.*\n {2}nobody [0-9a-f-]{36}\n$/);
  });

  it("says what is still open when somebody stops waiting", async () => {
    const running = workshop.start(["dispatch", write("tasks: [{ name: a, queue: nowhere }]"), "--address", address]);
    const watch = workshop.start(["stats", "--queue", "nowhere", "--watch", "--interval", "100ms", "--json"], {
      SLUICE_ADDRESS: address,
    });
    await watch.says('"pending":1');
    running.kill("SIGINT");
    const { status, out, err } = await running.ended;
    expect(status).toBe(130);
    expect(out).toMatch(/^a +open /m);
    expect(err).toMatch(/^interrupted; 1 task still open.*\n {2}a [0-9a-f-]{36}\n$/);
  });

  it("submits nothing of a file with a mistake", async () => {
    const file = write("tasks:\n  - { name: a, queue: untouched }\n  - { name: b, quue: untouched }\n");
    const { status, err } = await workshop.run(["dispatch", file, "--address", address]);
    expect(status).toBe(2);
    expect(err).toBe("error: jobs.yaml:3:16: tasks[1].quue: unknown key; did you mean 'queue'?\n");
    const { out } = await runInProcess(["queues", "list", "--address", address]);
    expect(out).not.toContain("untouched");
  });
});
