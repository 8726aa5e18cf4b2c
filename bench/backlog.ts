/**
 * What a long backlog costs: the same operations on a queue with few and with many waiting tasks, on one node with the lmdb
 * store. `node dist/bench/backlog.js [--few N] [--many N] [--json FILE]`. Exit code 1 when an operation costs more than
 * MAX_RATIO times as much.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Admin, Analyzer, Emitter } from "@sluice/client";
import { TaskState } from "@sluice/client/contract";
import { environment } from "./environment.ts";
import { monotonicMs } from "./monotonic.ts";
import { type NodeProcess, startNodeProcess } from "./node-process.ts";

const PROGRAM = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
const QUEUE = "backlog";
const PAYLOAD = new Uint8Array(256);
/** Rounds of which the median counts. */
const ROUNDS = 15;
/** Single calls of each kind in a round. */
const CALLS = 40;
/** Tasks dispatched in a round. */
const DISPATCHED = 500;
/** What issue and README promise. */
const MAX_RATIO = 2;

const OPERATIONS = ["submit", "get", "list", "cancel", "dispatch"] as const;

/** Milliseconds per operation. */
type Costs = Readonly<Record<(typeof OPERATIONS)[number], number>>;

/** One node with its clients. */
class Backlog implements AsyncDisposable {
  readonly #node: NodeProcess;
  readonly #emitter: Emitter;
  readonly #admin: Admin;

  constructor(node: NodeProcess) {
    this.#node = node;
    this.#emitter = new Emitter({ address: node.address });
    this.#admin = new Admin({ address: node.address });
  }

  /** Submits until this many tasks wait. */
  async fillTo(size: number): Promise<void> {
    const missing = size - (await this.#pending());
    const { failures } = await this.#emitter.submitMany(this.#tasks(missing));
    if (failures > 0) throw new Error(`${failures} tasks were refused`);
  }

  async measure(): Promise<Costs> {
    const costs: Record<keyof Costs, number[]> = { submit: [], get: [], list: [], cancel: [], dispatch: [] };
    for (let round = 0; round < ROUNDS; round++) {
      const ids: string[] = [];
      const keep = async () => ids.push((await this.#emitter.submit(this.#task())).id);
      costs.submit.push(await timed(CALLS, keep));
      costs.get.push(await timed(CALLS, (i) => this.#admin.getTask(ids[i] ?? "")));
      costs.list.push(await this.#listPages());
      costs.cancel.push(await timed(CALLS, (i) => this.#admin.cancelTasks({ ids: [ids[i] ?? ""] })));
      costs.dispatch.push(await this.#dispatch());
      await this.#emitter.submitMany(this.#tasks(DISPATCHED));
    }
    const { submit, get, list, cancel, dispatch } = costs;
    return {
      submit: median(submit),
      get: median(get),
      list: median(list),
      cancel: median(cancel),
      dispatch: median(dispatch),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#emitter.close();
    this.#admin.close();
    await this.#node.stop();
  }

  #task() {
    return { queue: QUEUE, type: "bench", payload: PAYLOAD };
  }

  *#tasks(count: number) {
    for (let i = 0; i < count; i++) yield this.#task();
  }

  async #pending(): Promise<number> {
    const { queues } = await this.#admin.stats(QUEUE);
    return queues[0]?.counts?.pending ?? 0;
  }

  /** Pages of 50, one after the other. */
  #listPages(): Promise<number> {
    let pageToken = "";
    return timed(10, async () => {
      const filter = { queue: QUEUE, states: [TaskState.PENDING] };
      const page = await this.#admin.listTasks({ filter, pageSize: 50, pageToken, summary: true });
      pageToken = page.nextPageToken;
    });
  }

  /** From the first delivery to the last. */
  #dispatch(): Promise<number> {
    return new Promise((resolve, reject) => {
      let handled = 0;
      let startMs = 0;
      const analyzer = new Analyzer({
        address: this.#node.address,
        queues: [QUEUE],
        concurrency: 100,
        handlers: () => {
          handled += 1;
          if (handled === 1) startMs = monotonicMs();
          if (handled !== DISPATCHED) return;
          const costMs = (monotonicMs() - startMs) / DISPATCHED;
          analyzer.close().then(() => resolve(costMs), reject);
        },
      });
      analyzer.start().catch(reject);
    });
  }
}

async function timed(count: number, operate: (index: number) => Promise<unknown>): Promise<number> {
  const startMs = monotonicMs();
  for (let i = 0; i < count; i++) await operate(i);
  return (monotonicMs() - startMs) / count;
}

function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      few: { type: "string", default: "1000" },
      many: { type: "string", default: "1000000" },
      json: { type: "string" },
    },
  });
  const sizes = [Number(values.few), Number(values.many)] as const;
  await using backlog = new Backlog(await startNodeProcess(PROGRAM, "lmdb"));
  await backlog.fillTo(sizes[0]);
  await backlog.measure(); // warm-up
  const few = await backlog.measure();
  await backlog.fillTo(sizes[1]);
  const many = await backlog.measure();
  console.log(`ms per operation, median of ${ROUNDS} rounds; waiting tasks: ${sizes.join(" and ")}`);
  const rows = OPERATIONS.map((name) => ({ name, few: few[name], many: many[name], ratio: many[name] / few[name] }));
  for (const { name, few: a, many: b, ratio } of rows) {
    console.log(
      `${name.padEnd(10)}${a.toFixed(3).padStart(10)}${b.toFixed(3).padStart(10)}${ratio.toFixed(2).padStart(8)} x`,
    );
  }
  if (values.json !== undefined) {
    const report = { ...environment(), store: "lmdb", fsync: "before every OK", sizes, rounds: ROUNDS, rows };
    writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  return rows.every(({ ratio }) => ratio <= MAX_RATIO) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
