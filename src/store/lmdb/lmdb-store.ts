/**
 * The lmdb store: durable storage for one node, in the process. The default.
 *
 * Responsible for: one process per directory, and answers that wait for the disk. The verbs are in `verbs.ts`.
 *
 *  L1  Verbs take effect in the order of the calls; the answer to each comes when everything before it is durable.
 *  L2  Nothing is written at a claim: claims are in memory, so a crash returns every claimed task to its place.
 *  L3  After any failure, or damage found, every call is rejected: what is in memory may be ahead of the disk.
 */
import { statfs } from "node:fs/promises";
import type { NewTask } from "../../core/task.ts";
import {
  type AdoptOutcome,
  type CancelOutcome,
  type ClaimedTask,
  type DueOutcome,
  type Finish,
  type FinishOutcome,
  type HeldClaim,
  type InsertOutcome,
  InvalidCursorError,
  type ListPage,
  type ListQuery,
  type OperationOutcome,
  type QueueSettings,
  type QueueSnapshot,
  type Store,
  type StoredTask,
  StoreFailedError,
  StoreOpenError,
  type StoreStart,
} from "../port.ts";
import { newTaskPosition } from "../positions.ts";
import { DirectoryLock } from "./directory-lock.ts";
import { Environment } from "./environment.ts";
import { GroupCommit } from "./group-commit.ts";
import { NodeState } from "./node-state.ts";
import { Verbs } from "./verbs.ts";

/** Where the data is. */
export interface LmdbStoreOptions {
  /** Data directory, on a local disk; created if missing. One process may use it at a time. */
  readonly directory: string;
  /** Address space reserved for the data at the start, in bytes; it grows by itself. Default 1 GiB. */
  readonly mapSizeBytes?: number;
  /** Entries written after which the log is brought into the tables. Default 8192; tests use fewer. */
  readonly checkpointEntries?: number;
  /** Told once when the storage fails; the process must stop then. */
  readonly onFailure?: (error: StoreFailedError) => void;
}

/** What there is between `open` and `close`. */
interface OpenData {
  readonly lock: DirectoryLock;
  readonly environment: Environment;
  readonly node: NodeState;
  readonly verbs: Verbs;
  readonly commits: GroupCommit;
}

/** Tasks in an LMDB environment. */
export class LmdbStore implements Store {
  readonly kind = "lmdb";
  readonly #options: LmdbStoreOptions;
  #data: OpenData | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: LmdbStoreOptions) {
    this.#options = options;
  }

  async open(): Promise<StoreStart> {
    const { directory } = this.#options;
    const lock = explained(directory, () => DirectoryLock.acquire(directory));
    let environment: Environment | undefined;
    try {
      environment = new Environment(directory, {
        ...this.#options,
        onFailure: (error) => this.#data?.commits.fail(error),
      });
      const data = this.#openData(lock, environment);
      data.verbs.endCancelling();
      await data.commits.durable();
      this.#data = data;
      return { epoch: data.node.startEpoch, leasesMayBeHeld: data.node.wasOpen };
    } catch (error) {
      await environment?.close();
      lock.release();
      throw openError(directory, error);
    }
  }

  #openData(lock: DirectoryLock, environment: Environment): OpenData {
    const node = new NodeState(environment, this.#options.directory);
    const verbs = new Verbs(environment, node);
    const commits = new GroupCommit({
      isDirty: () => environment.isDirty || verbs.isDirty,
      commit: async () => {
        node.flush();
        verbs.seal();
        await environment.commit();
        verbs.settle();
      },
      onFailure: (error) => {
        // A failure while opening is told by `open`, one while closing by `close`.
        if (this.#data !== undefined) this.#options.onFailure?.(error);
      },
    });
    return { lock, environment, node, verbs, commits };
  }

  nextEpoch(): Promise<number> {
    return this.#durably(({ node }) => node.nextEpoch());
  }

  beginDispatch(): Promise<void> {
    return this.#durably(({ node }) => node.beginDispatch());
  }

  async insert(tasks: readonly NewTask[], nowMs: number): Promise<InsertOutcome[]> {
    // Before anything is written, as a mistake of the caller must not fail the store.
    for (const task of tasks) newTaskPosition(task.id);
    return await this.#durably(({ verbs }) => verbs.insert(tasks, nowMs));
  }

  readyHint(queue: string): number {
    return this.#data?.verbs.readyHint(queue) ?? 0;
  }

  async claim(queue: string, firstLease: number, count: number): Promise<ClaimedTask[]> {
    // What can be claimed is durable already, and a claim writes nothing.
    return runVerb(this.#opened(), ({ verbs }) => verbs.claim(queue, firstLease, count));
  }

  adopt(held: readonly HeldClaim[]): Promise<AdoptOutcome[]> {
    return this.#durably(({ verbs }) => verbs.adopt(held));
  }

  finish(finishes: readonly Finish[]): Promise<FinishOutcome[]> {
    return this.#durably(({ verbs }) => verbs.finish(finishes));
  }

  due(nowMs: number, limit: number): Promise<DueOutcome> {
    return this.#durably(({ verbs }) => verbs.due(nowMs, limit));
  }

  get(id: string): Promise<StoredTask | undefined> {
    return this.#durably(({ verbs }) => verbs.get(id));
  }

  list(query: ListQuery): Promise<ListPage> {
    return this.#durably(({ verbs }) => verbs.list(query));
  }

  cancel(ids: readonly string[], nowMs: number): Promise<CancelOutcome[]> {
    return this.#durably(({ verbs }) => verbs.cancel(ids, nowMs));
  }

  redrive(ids: readonly string[], nowMs: number, dueMs: (index: number) => number): Promise<OperationOutcome[]> {
    return this.#durably(({ verbs }) => verbs.redrive(ids, nowMs, dueMs));
  }

  purge(ids: readonly string[]): Promise<OperationOutcome[]> {
    return this.#durably(({ verbs }) => verbs.purge(ids));
  }

  expire(nowMs: number, limit: number): Promise<number> {
    return this.#durably(({ verbs }) => verbs.expire(nowMs, limit));
  }

  queues(): Promise<QueueSnapshot[]> {
    return this.#durably(({ verbs }) => verbs.queues());
  }

  configureQueue(name: string, change: Partial<QueueSettings>): Promise<QueueSettings | undefined> {
    return this.#durably(({ verbs }) => verbs.configureQueue(name, change));
  }

  async freeBytes(): Promise<number> {
    const { environment } = this.#opened();
    // What deleted tasks have left in the file is used again, though the file never shrinks.
    const reusableBytes = environment.reusableBytes;
    const { bavail, bsize } = await statfs(this.#options.directory);
    return bavail * bsize + reusableBytes;
  }

  onWake(): void {
    // One process has the data, so nothing becomes ready but by its own calls.
  }

  async close(): Promise<void> {
    this.#closing ??= this.#data === undefined ? Promise.resolve() : this.#close(this.#data);
    await this.#closing;
  }

  async #close({ commits, environment, lock, node, verbs }: OpenData): Promise<void> {
    this.#data = undefined;
    try {
      if (commits.hasFailed) return;
      verbs.keepDispatched();
      // With claims left, analyzers may still work on them: the next start must treat this as a crash.
      if (verbs.claimCount === 0) node.markClosed();
      await commits.durable();
      await environment.retireLog();
    } finally {
      await commits.settled();
      await environment.close();
      lock.release();
    }
  }

  /** Runs a verb at once and holds its answer back until everything written so far is durable. */
  async #durably<T>(verb: (data: OpenData) => T): Promise<T> {
    const data = this.#opened();
    const answer = runVerb(data, verb);
    await data.commits.durable();
    return answer;
  }

  #opened(): OpenData {
    if (this.#data === undefined) {
      throw new StoreFailedError("the store is not open: call open() first, and nothing after close()");
    }
    return this.#data;
  }
}

/** Runs a verb. Damage that it finds fails the store. */
function runVerb<T>(data: OpenData, verb: (data: OpenData) => T): T {
  data.commits.check();
  try {
    return verb(data);
  } catch (error) {
    // Half of the verb may be written: nothing of it must be committed.
    throw error instanceof InvalidCursorError ? error : data.commits.fail(error);
  }
}

function explained<T>(directory: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw openError(directory, error);
  }
}

function openError(directory: string, error: unknown): StoreOpenError {
  if (error instanceof StoreOpenError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreOpenError(
    `cannot open the data directory ${directory}: ${reason}. Check that it is a writable directory on a local disk with ` +
      "free space, and that its files are those of this program, undamaged.",
    { cause: error },
  );
}
