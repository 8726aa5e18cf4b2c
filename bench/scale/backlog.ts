/**
 * What a long backlog costs: rates, single operations, memory and start-up of a node with nothing waiting and of the same node
 * with millions of waiting tasks.
 */
import { TaskState } from "@sluice/client/contract";
import { type BenchCommand, COMMON_USAGE } from "../history/command.ts";
import { assertRealDisk, recordOf, Samples } from "../history/record.ts";
import { monotonicMs } from "../monotonic.ts";
import { fourAnalyzers, ownNumber, PAYLOAD_BYTES, Rig, sluiceSubject } from "./rig.ts";

const QUEUE = "backlog";
const WAITING = 10_000_000;
const QUICK_WAITING = 50_000;
const MOST_WAITING = 15_000_000;
/** Tasks submitted, and dispatched, in a repetition. */
const ROUND_TASKS = 100_000;
const QUICK_ROUND_TASKS = 5_000;
/** Single calls of each kind in a repetition. */
const CALLS = 40;
const PAGE_TASKS = 50;
const REPETITIONS = 5;
const FILL_STEP = 1_000_000;

const task = { queue: QUEUE, payload: new Uint8Array(PAYLOAD_BYTES) };

/** Measures one condition of the node. */
class Condition {
  readonly #rig: Rig;
  readonly #subject: string;
  readonly #samples: Samples;

  constructor(rig: Rig, subject: string, samples: Samples) {
    this.#rig = rig;
    this.#subject = subject;
    this.#samples = samples;
  }

  async round(tasks: number): Promise<void> {
    this.#add("submit, batches of 100", "tasks/s", await this.#rig.submit(tasks, () => task));
    await this.#operations();
    this.#add("dispatch, 4 analyzers", "tasks/s", await this.#rig.drain(tasks, fourAnalyzers(QUEUE)));
  }

  memory(): void {
    this.#add("resident memory", "MiB", this.#rig.residentMiB());
    this.#add("of it not mapped files", "MiB", this.#rig.anonymousMiB());
  }

  /** @param how the node is ended before the start that is measured */
  async start(how: "stop" | "kill"): Promise<void> {
    await this.#rig.restart(how);
    this.#add(how === "stop" ? "start-up" : "start-up after a crash", "ms", this.#rig.startMs);
    if (how === "stop") this.#add("resident memory after the start", "MiB", this.#rig.residentMiB());
  }

  /** One call after the other. Tasks submitted here are cancelled here. */
  async #operations(): Promise<void> {
    const { emitter, admin } = this.#rig;
    const ids: string[] = [];
    const idOf = (index: number): string => ids[index] ?? "";
    this.#add("one submit", "ms", await timed(CALLS, async () => ids.push((await emitter.submit(task)).id)));
    this.#add("get", "ms", await timed(CALLS, (index) => admin.getTask(idOf(index))));
    let pageToken = "";
    const listPage = async (): Promise<void> => {
      const filter = { queue: QUEUE, states: [TaskState.PENDING] };
      ({ nextPageToken: pageToken } = await admin.listTasks({
        filter,
        pageSize: PAGE_TASKS,
        pageToken,
        summary: true,
      }));
    };
    this.#add(`list, a page of ${PAGE_TASKS}`, "ms", await timed(CALLS / 4, listPage));
    this.#add("cancel", "ms", await timed(CALLS, (index) => admin.cancelTasks({ ids: [idOf(index)] })));
  }

  #add(name: string, unit: string, value: number): void {
    const better = unit === "tasks/s" ? "higher" : "lower";
    this.#samples.add({ subject: this.#subject, name, unit, better }, value);
  }
}

export const backlogBench: BenchCommand = {
  kind: "backlog",
  usage: `Usage: npm run bench:scale -- backlog [options]

  --waiting N    length of the backlog (default ${WAITING}; about 0.6 GB on disk per million)
${COMMON_USAGE}`,
  ownOptions: ["waiting"],
  run: async ({ own, quick, repetitions = quick ? 2 : REPETITIONS }, log) => {
    if (!quick) assertRealDisk();
    const date = new Date().toISOString();
    const waiting = ownNumber(own, "waiting", quick ? QUICK_WAITING : WAITING, MOST_WAITING);
    const roundTasks = quick ? QUICK_ROUND_TASKS : ROUND_TASKS;
    const samples = new Samples();
    await using rig = await Rig.start();

    log("warm-up");
    await new Condition(rig, "warm-up", new Samples()).round(roundTasks);
    await measure(new Condition(rig, "empty", samples), roundTasks, repetitions, (text) => log(`empty: ${text}`));
    for (let filled = 0; filled < waiting; filled += FILL_STEP) {
      log(`filling: ${filled} of ${waiting}`);
      await rig.submit(Math.min(FILL_STEP, waiting - filled), () => task);
    }
    await measure(new Condition(rig, "full", samples), roundTasks, repetitions, (text) => log(`full: ${text}`));
    return recordOf({
      kind: "backlog",
      date,
      settings: { waiting, roundTasks, payloadBytes: PAYLOAD_BYTES },
      repetitions,
      subjects: [
        sluiceSubject("empty", "nothing else waiting"),
        sluiceSubject("full", `${waiting.toLocaleString("en-US")} waiting`),
      ],
      metrics: samples.metrics(),
      absent: [],
      notes: [],
    });
  },
};

async function measure(
  condition: Condition,
  tasks: number,
  repetitions: number,
  log: (text: string) => void,
): Promise<void> {
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    log(`repetition ${repetition} of ${repetitions}`);
    await condition.round(tasks);
    condition.memory();
  }
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    await condition.start("stop");
    await condition.start("kill");
  }
}

/** Milliseconds per call. */
async function timed(count: number, call: (index: number) => Promise<unknown>): Promise<number> {
  const startMs = monotonicMs();
  for (let index = 0; index < count; index++) await call(index);
  return (monotonicMs() - startMs) / count;
}
