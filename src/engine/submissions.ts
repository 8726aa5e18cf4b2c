/**
 * Takes submits, commits those of one turn together, answers after the commit.
 *
 * Invariants:
 *  U1  A submit is answered only after its tasks are durable.
 *  U2  What is not committed yet holds at most MAX_UNCOMMITTED_BYTES of specs.
 */
import { SluiceError } from "../core/errors.ts";
import type { NewTask } from "../core/task.ts";
import type { InsertOutcome } from "../store/port.ts";
import type { SubmitOutcome } from "./api.ts";
import type { DiskWatch } from "./disk-watch.ts";
import type { NodeState } from "./node-state.ts";
import { MAX_UNCOMMITTED_BYTES, QUEUE_FULL_RETRY_MS, UNCOMMITTED_RETRY_MS } from "./settings.ts";

const ACCEPTED: SubmitOutcome = { kind: "accepted" };
const DUPLICATE: SubmitOutcome = { kind: "duplicate" };
const CONFLICT: SubmitOutcome = { kind: "conflict" };

interface Submit {
  readonly tasks: readonly NewTask[];
  readonly resolve: (outcomes: SubmitOutcome[]) => void;
  readonly reject: (error: Error) => void;
}

function bytesOf(tasks: readonly NewTask[]): number {
  return tasks.reduce((sum, task) => sum + task.spec.length, 0);
}

/** The way in. */
export class Submissions {
  readonly #node: NodeState;
  readonly #disk: Pick<DiskWatch, "refusal">;
  /** Called with the wall-clock time at which an accepted task becomes due. */
  readonly #onDue: (dueMs: number) => void;
  #collected: Submit[] = [];
  #uncommittedBytes = 0;

  constructor(node: NodeState, disk: Pick<DiskWatch, "refusal">, onDue: (dueMs: number) => void) {
    this.#node = node;
    this.#disk = disk;
    this.#onDue = onDue;
  }

  /** Bytes of specs on their way to the store. */
  get uncommittedBytes(): number {
    return this.#uncommittedBytes;
  }

  /** Collects tasks for the next commit. */
  submit(tasks: readonly NewTask[]): Promise<SubmitOutcome[]> {
    if (this.#node.isDraining || this.#node.failure !== undefined) {
      return Promise.reject(new SluiceError("UNAVAILABLE", "this node is stopping: submit to another or try again"));
    }
    const refusal = this.#disk.refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    const bytes = bytesOf(tasks);
    if (this.#uncommittedBytes > 0 && this.#uncommittedBytes + bytes > MAX_UNCOMMITTED_BYTES) {
      return Promise.reject(
        new SluiceError("RESOURCE_EXHAUSTED", "too much waits to be written to disk: try again", UNCOMMITTED_RETRY_MS),
      );
    }
    this.#uncommittedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#collected.push({ tasks, resolve, reject });
      this.#node.wake();
    });
  }

  /** Hands what was collected to the store. */
  commit(): void {
    if (this.#collected.length === 0) return;
    const submits = this.#collected;
    this.#collected = [];
    const tasks = submits.flatMap((submit) => submit.tasks);
    const bytes = bytesOf(tasks);
    const nowMs = this.#node.wallMs;
    const committed = this.#node.timings.commit("insertCommit", this.#node.monotonicMs);
    const answer = this.#node.parts.store.insert(tasks, nowMs);
    answer.catch((cause: unknown) => {
      const error = new SluiceError("UNAVAILABLE", "the node's storage failed: the outcome is unknown, submit again");
      error.cause = cause;
      for (const submit of submits) submit.reject(error);
    });
    this.#node.after(answer, (outcomes) => {
      committed(this.#node.monotonicMs);
      this.#uncommittedBytes -= bytes;
      this.#answer(submits, outcomes, nowMs);
    });
  }

  #answer(submits: readonly Submit[], outcomes: readonly InsertOutcome[], nowMs: number): void {
    let index = 0;
    for (const { tasks, resolve } of submits) {
      resolve(
        tasks.map((task) => {
          const outcome = outcomes[index++];
          if (outcome === undefined) throw new Error("the store answered fewer inserts than it was given");
          return this.#settle(task, outcome, nowMs);
        }),
      );
    }
  }

  #settle(task: NewTask, outcome: InsertOutcome, nowMs: number): SubmitOutcome {
    switch (outcome.kind) {
      case "accepted": {
        const queue = this.#node.queue(task.queue);
        queue.totals.submitted += 1;
        this.#node.parts.observer?.accepted(task, nowMs, this.#node.wallMs);
        if (task.startAtMs > nowMs) this.#onDue(task.startAtMs);
        else this.#node.nudge(queue);
        return ACCEPTED;
      }
      case "exists":
        return this.#node.parts.sameSpec(outcome.spec, task.spec) ? DUPLICATE : CONFLICT;
      case "full":
        return {
          kind: "full",
          message: `queue ${task.queue} has reached ${outcome.limit}: submit more slowly, add analyzers or raise the limit`,
          retryAfterMs: QUEUE_FULL_RETRY_MS,
        };
    }
  }
}
