/**
 * Group commit: verbs that write in the same turn, or while a commit is running, share the next commit.
 *
 *  G1  `durable` resolves after everything written before the call is on disk.
 *  G2  One commit runs at a time, so commits take effect in the order of the calls.
 *  G3  After a failure nothing more is committed, and `onFailure` is called once.
 */
import { setImmediate } from "node:timers";
import { StoreFailedError } from "../port.ts";

/** What takes part in a commit. */
export interface Commitable {
  readonly isDirty: () => boolean;
  /** Commits what was written so far: synchronously up to the point where later writes belong to the next commit. */
  readonly commit: () => Promise<void>;
  readonly onFailure: (error: StoreFailedError) => void;
}

/** Everyone who waits for one commit. */
interface Batch {
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: StoreFailedError) => void;
}

/** Commits in groups. */
export class GroupCommit {
  readonly #parts: Commitable;
  #next = newBatch();
  #running: Batch | undefined;
  #isScheduled = false;
  #failure: StoreFailedError | undefined;

  constructor(parts: Commitable) {
    this.#parts = parts;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Throws if the store has failed. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when everything written so far is durable. Rejects with `StoreFailedError`. */
  durable(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (!this.#parts.isDirty()) return this.#running?.done ?? Promise.resolve();
    if (this.#running === undefined && !this.#isScheduled) {
      this.#isScheduled = true;
      // At the end of the turn, when all that its events brought has been written.
      setImmediate(() => this.#start());
    }
    return this.#next.done;
  }

  /** Resolves when no commit runs any more, whether it succeeded or failed. */
  async settled(): Promise<void> {
    await this.#running?.done.catch(() => undefined);
  }

  /** From now on the store is failed. What is being committed may still succeed; what waits for the next commit is rejected. */
  fail(cause: unknown): StoreFailedError {
    swallowCommitError(cause);
    if (this.#failure !== undefined) return this.#failure;
    const failure = cause instanceof StoreFailedError ? cause : failureOf(cause);
    this.#failure = failure;
    this.#next.reject(failure);
    this.#parts.onFailure(failure);
    return failure;
  }

  #start(): void {
    this.#isScheduled = false;
    if (this.#failure !== undefined) return;
    const batch = this.#next;
    this.#running = batch;
    this.#next = newBatch();
    this.#parts.commit().then(
      () => this.#succeeded(batch),
      (error: unknown) => this.#failed(batch, error),
    );
  }

  #succeeded(batch: Batch): void {
    this.#running = undefined;
    batch.resolve();
    if (this.#parts.isDirty()) this.#start();
  }

  #failed(batch: Batch, error: unknown): void {
    this.#running = undefined;
    batch.reject(this.fail(error));
  }
}

function newBatch(): Batch {
  let resolve: Batch["resolve"] = () => undefined;
  let reject: Batch["reject"] = () => undefined;
  const done = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // A batch may have nobody waiting; the failure is told by `onFailure` then.
  done.catch(() => undefined);
  return { done, resolve, reject };
}

function failureOf(cause: unknown): StoreFailedError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StoreFailedError(
    `the storage failed: ${reason}. Nothing it says can be trusted now: stop, check disk space and disk, start again.`,
    { cause },
  );
}

/** A failed commit of LMDB comes with a second promise that rejects: without this it would be an unhandled rejection. */
function swallowCommitError(error: unknown): void {
  if (error instanceof Error && "commitError" in error && error.commitError instanceof Promise) {
    error.commitError.catch(() => undefined);
  }
}
