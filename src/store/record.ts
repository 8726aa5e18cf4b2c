/**
 * What a store records of a task, and how each verb changes it: the rules that all stores share, without any storage.
 *
 * Responsible for: `TaskFacts` (written once), `Run` (changes with its life), and pure functions from one run to the next.
 * RUNNING is not recorded: a task runs while a claim on it lives.
 */
import { MAX_HISTORY } from "../core/limits.ts";
import type { AttemptRecord, EndState, NewTask, RetryPolicy, TaskError, TaskResult } from "../core/task.ts";
import type { ClaimedTask, Finish, StoredTask } from "./port.ts";

/** What never changes after the insert. */
export interface TaskFacts {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly priority: number;
  /** Fairness start tag, see `core/fairness.ts`. */
  readonly startTag: number;
  /** Number of the submission, unique in the store and growing. */
  readonly sequence: number;
  readonly submittedMs: number;
  /** Not before this time; 0 = was PENDING from the start. */
  readonly startAtMs: number;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly attributes: Readonly<Record<string, string>>;
  readonly spec: Uint8Array;
}

/** States that are recorded. */
export type RecordedState = "PENDING" | "SCHEDULED" | "RETRYING" | EndState;

/** Where a task is in its life, as recorded. Fields as in `StoredTask`. */
export interface Run {
  readonly state: RecordedState;
  readonly attempts: number;
  readonly dueMs: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly analyzerId: string;
  /**
   * The last lease that has ended, however; 0 = none has. Of an ended task: the one that recorded the ending, unless it was
   * cancelled while it waited. Whoever held this lease, or an earlier one, does not hold the task any more.
   */
  readonly endingLease: number;
  readonly result: TaskResult | undefined;
  readonly history: readonly AttemptRecord[];
}

const UNTOUCHED: Run = {
  state: "PENDING",
  attempts: 0,
  dueMs: 0,
  startMs: 0,
  endMs: 0,
  analyzerId: "",
  endingLease: 0,
  result: undefined,
  history: [],
};

/** The facts of a task that is being inserted. */
export function factsOf(task: NewTask, nowMs: number, startTag: number, sequence: number): TaskFacts {
  return {
    id: task.id,
    queue: task.queue,
    type: task.type,
    priority: task.priority,
    startTag,
    sequence,
    submittedMs: nowMs,
    startAtMs: task.startAtMs > nowMs ? task.startAtMs : 0,
    timeoutMs: task.timeoutMs,
    retry: task.retry,
    attributes: task.attributes,
    spec: task.spec,
  };
}

/** The run of a task that nothing has happened to since the insert. */
export function freshRun(startAtMs: number): Run {
  return startAtMs > 0 ? { ...UNTOUCHED, state: "SCHEDULED", dueMs: startAtMs } : UNTOUCHED;
}

/** After the wait of a SCHEDULED or RETRYING task is over. */
export function dueRun(run: Run): Run {
  return { ...run, state: "PENDING", dueMs: 0 };
}

/** After a lease ended. `cancelWish`: a cancel was asked for while it ran, so it does not go back to waiting. */
export function finishedRun(run: Run, finish: Finish, cancelWish: boolean): Run {
  const { transition } = finish;
  const error = "error" in transition ? transition.error : undefined;
  const charged = error === undefined ? run : chargedRun(run, finish, error);
  const waitsAgain = transition.to === "PENDING" || transition.to === "RETRYING";
  if (waitsAgain && !cancelWish) {
    const dueMs = transition.to === "RETRYING" ? transition.dueMs : 0;
    return { ...charged, state: transition.to, dueMs, endingLease: finish.lease };
  }
  return {
    ...charged,
    state: waitsAgain ? "CANCELLED" : transition.to,
    startMs: finish.startMs,
    endMs: finish.endMs,
    analyzerId: finish.analyzerId,
    endingLease: finish.lease,
    result: transition.to === "COMPLETED" ? transition.result : undefined,
  };
}

function chargedRun(run: Run, finish: Finish, error: TaskError): Run {
  const attempts = run.attempts + 1;
  const attempt = {
    number: attempts,
    analyzerId: finish.analyzerId,
    startMs: finish.startMs,
    endMs: finish.endMs,
    error,
  };
  return { ...run, attempts, history: [...run.history, attempt].slice(-MAX_HISTORY) };
}

/** After a cancel of a task that no one runs. */
export function cancelledRun(run: Run, nowMs: number): Run {
  return { ...run, state: "CANCELLED", dueMs: 0, endMs: nowMs };
}

/** After a redrive; `dueMs` in the future makes it wait. */
export function redrivenRun(run: Run, nowMs: number, dueMs: number): Run {
  const { history, endingLease } = run;
  const again = { ...UNTOUCHED, history, endingLease };
  return dueMs > nowMs ? { ...again, state: "SCHEDULED", dueMs } : again;
}

/** A task as `get` and `list` show it. `lease`: that of the live claim, 0 = none. */
export function storedTask(facts: TaskFacts, run: Run, lease: number): StoredTask {
  return {
    id: facts.id,
    queue: facts.queue,
    type: facts.type,
    priority: facts.priority,
    state: lease === 0 ? run.state : "RUNNING",
    submittedMs: facts.submittedMs,
    dueMs: run.dueMs,
    startMs: run.startMs,
    endMs: run.endMs,
    attempts: run.attempts,
    analyzerId: run.analyzerId,
    lease,
    ...(run.result === undefined ? {} : { result: run.result }),
    history: run.history,
    attributes: facts.attributes,
    spec: facts.spec,
  };
}

/** A task as `claim` and `adopt` hand it out. */
export function claimedTask(facts: TaskFacts, attempts: number, lease: number): ClaimedTask {
  return {
    id: facts.id,
    queue: facts.queue,
    type: facts.type,
    lease,
    attempts,
    timeoutMs: facts.timeoutMs,
    retry: facts.retry,
    submittedMs: facts.submittedMs,
    spec: facts.spec,
  };
}
