/**
 * The built program under kill -9: what the clients were told is held against what the node knows in the end.
 */
import { Admin, Analyzer, Emitter, SluiceClientError } from "@sluice/client";
import { expect, test } from "vitest";
import { TaskState } from "../../clients/typescript/src/contract.ts";
import { Workshop } from "../cli/program.ts";

const ROUNDS = 4;
const TASKS_PER_ROUND = 1500;
const WEIGHTS = [3, 2, 1];
const TIMEOUT_MS = 90_000;

/** What the clients saw. */
class History {
  readonly accepted = new Set<string>();
  /** How often each task was begun by a handler. */
  readonly begun = new Map<string, number>();

  begin(id: string): void {
    this.begun.set(id, (this.begun.get(id) ?? 0) + 1);
  }
}

/** Resolves when nothing is left to do. The channel may still have to find the node again. */
async function untilDone(admin: Admin): Promise<void> {
  while (true) {
    try {
      for await (const { queues } of admin.watchStats({ intervalMs: 100 })) {
        const counts = queues.find(({ name }) => name === "k")?.counts;
        if (counts === undefined) continue;
        if (counts.pending + counts.running + counts.retrying + counts.scheduled === 0) return;
      }
    } catch (error) {
      if (!(error instanceof SluiceClientError) || error.code !== "UNAVAILABLE") throw error;
    }
  }
}

async function submitAll(address: string, round: number, history: History): Promise<void> {
  await using emitter = new Emitter({ address });
  const submits = Array.from({ length: TASKS_PER_ROUND }, async (_, i) => {
    const { id } = await emitter.submit({ queue: "k", payload: { round, i }, retry: { maxAttempts: 20 } });
    history.accepted.add(id);
  });
  await Promise.all(submits);
}

test(
  "a node killed again and again loses no accepted task and records none twice",
  async () => {
    await using workshop = new Workshop();
    const history = new History();
    const settings = ["--resume-grace-ms", "500", "--lease-ms", "5000"];
    let { node, address } = await workshop.serve(...settings);
    const port = address.split(":")[1] ?? "";
    const analyzers = WEIGHTS.map(
      (weight, i) =>
        new Analyzer({ address, id: `k${i}`, queues: ["k"], weight, handlers: ({ id }) => history.begin(id) }),
    );
    for (const analyzer of analyzers) await analyzer.start();
    for (let round = 0; round < ROUNDS; round++) {
      const submitted = submitAll(address, round, history);
      // The kill falls into the middle of the submits, while analyzers work.
      const target = history.begun.size + TASKS_PER_ROUND / 4;
      while (history.begun.size < target) await new Promise((resolve) => setImmediate(resolve));
      node.kill("SIGKILL");
      await node.ended;
      ({ node, address } = await workshop.serve("--port", port, ...settings));
      await submitted;
    }
    await using admin = new Admin({ address });
    await untilDone(admin);
    expect(history.accepted.size).toBe(ROUNDS * TASKS_PER_ROUND);
    const states = new Map<string, TaskState>();
    for await (const task of admin.allTasks({ filter: { queue: "k" } })) {
      if (task.spec !== undefined) states.set(task.spec.id, task.state);
    }
    expect([...history.accepted].filter((id) => states.get(id) !== TaskState.COMPLETED)).toEqual([]);
    expect(states.size).toBe(history.accepted.size);
    for (const analyzer of analyzers) await analyzer.close();
    node.kill("SIGTERM");
    expect((await node.ended).status).toBe(0);
  },
  TIMEOUT_MS,
);

test(
  "a killed analyzer's tasks run elsewhere",
  async () => {
    await using workshop = new Workshop();
    const { address } = await workshop.serve("--resume-grace-ms", "300");
    const work = (id: string, command: string) =>
      workshop.start(["work", "--address", address, "--queue", "k", "--weight", "1", "--id", id, "--exec", command]);
    const doomed = work("doomed", "sleep 60");
    await using emitter = new Emitter({ address });
    const handle = await emitter.submit({ queue: "k", payload: "hello" });
    await using admin = new Admin({ address });
    for await (const { analyzers } of admin.watchStats({ intervalMs: 100 })) {
      if (analyzers.some(({ id, inFlight }) => id === "doomed" && inFlight === 1)) break;
    }
    doomed.kill("SIGKILL");
    await doomed.ended;
    work("heir", "cat");
    const outcome = await handle.result({ timeoutMs: 20_000 });
    expect(outcome.text()).toBe("hello");
    expect(outcome.task.analyzerId).toBe("heir");
    expect(outcome.task.history.map(({ analyzerId, error }) => [analyzerId, error?.code])).toEqual([
      ["doomed", "ANALYZER_LOST"],
    ]);
  },
  TIMEOUT_MS,
);
