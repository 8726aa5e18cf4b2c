/**
 * The lmdb store in a process of its own, for tests that kill it or make its disk fail. Says one JSON value per line.
 *
 * Arguments: what to do, and the data directory.
 *   hold    opens the data and keeps it until its input ends
 *   insert  inserts tasks, several calls at a time, until the storage fails
 */
import process from "node:process";
import { newTask, taskId } from "../conformance/tasks.ts";
import { LmdbStore } from "../lmdb/lmdb-store.ts";

/** Calls in flight. */
const EMITTERS = 8;
const BATCH_TASKS = 200;
/** Tasks of one emitter are numbered from a multiple of this. */
const EMITTER_NUMBERS = 10_000_000;

/** What the child says. */
export type ChildMessage =
  | { readonly kind: "opened"; readonly leasesMayBeHeld: boolean }
  | { readonly kind: "refused"; readonly name: string; readonly message: string }
  | { readonly kind: "accepted"; readonly ids: readonly string[] }
  | { readonly kind: "rejected"; readonly name: string; readonly message: string; readonly ids: readonly string[] }
  | {
      readonly kind: "failed";
      readonly failures: number;
      readonly later: readonly string[];
      readonly unhandled: number;
    };

const [, , duty = "", directory = ""] = process.argv;
let failures = 0;
let unhandled = 0;

process.on("unhandledRejection", () => {
  unhandled += 1;
});
// A write beyond the process's limit of file size fails then, as on a full disk, instead of killing it.
process.on("SIGXFSZ", () => undefined);

function say(message: ChildMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function emit(store: LmdbStore, emitter: number): Promise<void> {
  for (let first = emitter * EMITTER_NUMBERS; ; first += BATCH_TASKS) {
    const tasks = Array.from({ length: BATCH_TASKS }, (_, index) => newTask(first + index));
    const ids = tasks.map(({ id }) => id);
    try {
      await store.insert(tasks, 1);
      say({ kind: "accepted", ids });
    } catch (error) {
      say({ kind: "rejected", name: nameOf(error), message: error instanceof Error ? error.message : "", ids });
      return;
    }
  }
}

async function main(): Promise<void> {
  const store = new LmdbStore({
    directory,
    onFailure: () => {
      failures += 1;
    },
  });
  try {
    say({ kind: "opened", leasesMayBeHeld: (await store.open()).leasesMayBeHeld });
  } catch (error) {
    say({ kind: "refused", name: nameOf(error), message: error instanceof Error ? error.message : "" });
    return;
  }
  if (duty === "hold") {
    process.stdin.resume();
    return;
  }
  await Promise.all(Array.from({ length: EMITTERS }, (_, emitter) => emit(store, emitter)));
  const calls = [store.get(taskId(0)), store.claim("logs", 1, 1), store.queues(), store.insert([newTask(1)], 1)];
  const later = await Promise.all(calls.map((call) => call.then(() => "resolved", nameOf)));
  await store.close();
  say({ kind: "failed", failures, later, unhandled });
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}

await main();
