/**
 * Runs the same tests on a whole node with each store, through real gRPC. Whatever a test starts ends with it.
 *
 *  E1  A test that ends leaves no node, client, connection or folder behind.
 *  E2  A test fails when its node had a fault, unless the test killed the node.
 */
import { rmSync } from "node:fs";
import { Admin, Analyzer, type AnalyzerOptions, Emitter, type EmitterOptions } from "@sluice/client";
import { type Task, TaskState } from "@sluice/client/contract";
import { afterEach, describe, expect, vi } from "vitest";
import { LmdbStore } from "../../src/store/lmdb/lmdb-store.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import type { Store } from "../../src/store/port.ts";
import { temporaryDirectory } from "../../src/store/testing/lmdb-test-store.ts";
import { type NodeInput, startNode, type TestNode } from "../support/node.ts";
import { RawClient } from "../support/raw-client.ts";
import { Line } from "./line.ts";

/** What a test may choose of a node. */
export type StageInput = Omit<NodeInput, "store">;

/** Starts a node for the running test. */
export type Start = (input?: StageInput) => Promise<Stage>;

/** What outlives a node: a store on what the one before left behind. */
interface Storage {
  readonly store: Store;
  reopen(): void;
  remove(): void;
}

/** A node that is stopped while a test's analyzers hold tasks waits no longer than this for them. */
const DRAIN_MS = 100;
/** A condition that is awaited must hold by then. */
export const DEADLINE_MS = 10_000;

const STORAGES: Readonly<Record<"memory" | "lmdb", () => Storage>> = { memory: memoryStorage, lmdb: lmdbStorage };

/** What `assertion` gives, once it holds. Rejects with what is wrong when it does not by the deadline. */
export function eventually<T>(assertion: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(assertion, { timeout: DEADLINE_MS, interval: 5 });
}

/** A suite that runs once per store. */
export function describeOnEveryStore(name: string, body: (start: Start) => void): void {
  for (const [kind, makeStorage] of Object.entries(STORAGES)) {
    describe(`${name} (${kind})`, () => {
      const stages: Stage[] = [];
      afterEach(async () => {
        for (const stage of stages.splice(0)) await stage[Symbol.asyncDispose]();
      });
      body(async (input = {}) => {
        const stage = await Stage.open(makeStorage(), input);
        stages.push(stage);
        return stage;
      });
    });
  }
}

/** A node with a store, and everything that a test connects to it. */
export class Stage implements AsyncDisposable {
  readonly #storage: Storage;
  readonly #input: StageInput;
  readonly #clients: AsyncDisposable[] = [];
  readonly #lines: Line[] = [];
  #node: TestNode;
  #admin: Admin;
  #isKilled = false;

  private constructor(storage: Storage, input: StageInput, node: TestNode) {
    this.#storage = storage;
    this.#input = input;
    this.#node = node;
    this.#admin = new Admin({ address: node.address });
  }

  static async open(storage: Storage, input: StageInput): Promise<Stage> {
    return new Stage(storage, input, await startOn(storage, input));
  }

  /** The node that runs now. */
  get node(): TestNode {
    return this.#node;
  }

  /** An operator of that node. */
  get admin(): Admin {
    return this.#admin;
  }

  emitter(options: EmitterOptions = {}): Emitter {
    return this.#keep(new Emitter({ address: this.#node.address, ...options }));
  }

  /** An analyzer that is attached. It hands back what it still has when the test ends. */
  async analyzer(options: AnalyzerOptions): Promise<Analyzer> {
    const analyzer = this.#keep(new Analyzer({ address: this.#node.address, drainTimeoutMs: 0, ...options }));
    // What ends it for good is told by `start` too, or is what the test is about.
    analyzer.closed.catch(() => {});
    await analyzer.start();
    return analyzer;
  }

  /** A client of bare gRPC. */
  raw(): RawClient {
    const client = new RawClient(this.#node.port);
    this.#keep({ [Symbol.asyncDispose]: async () => client[Symbol.dispose]() });
    return client;
  }

  /** A way to the node that can be cut, and that leads to the node of the day after a restart. */
  async line(): Promise<Line> {
    const line = await Line.open(() => this.#node.port);
    this.#lines.push(line);
    return line;
  }

  /** The task once it is in this state. */
  taskIn(id: string, state: TaskState): Promise<Task> {
    return eventually(async () => {
      const task = await this.#admin.getTask(id);
      expect(stateName(task.state)).toBe(stateName(state));
      return task;
    });
  }

  /**
   * The node ends and another one starts on its data. `killed`: the first one's storage is gone before it can write
   * down anything more, as when its process is killed.
   */
  async restart(how: "closed" | "killed", input: StageInput = this.#input): Promise<void> {
    this.#isKilled = how === "killed";
    if (this.#isKilled) {
      for (const line of this.#lines) line.cut();
      await this.#storage.store.close();
    }
    await this.#stopNode();
    this.#isKilled = false;
    this.#storage.reopen();
    this.#node = await startOn(this.#storage, input);
    this.#admin = new Admin({ address: this.#node.address });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client[Symbol.asyncDispose]()));
    await Promise.all(this.#lines.map((line) => line[Symbol.asyncDispose]()));
    await this.#stopNode();
    this.#storage.remove();
  }

  async #stopNode(): Promise<void> {
    await this.#admin.close();
    await this.#node[Symbol.asyncDispose]();
    if (!this.#isKilled) expect(this.#node.faults).toEqual([]);
  }

  #keep<Client extends AsyncDisposable>(client: Client): Client {
    this.#clients.push(client);
    return client;
  }
}

function stateName(state: TaskState): string | undefined {
  return Object.entries(TaskState).find(([, number]) => number === state)?.[0];
}

function startOn(storage: Storage, { settings, limits }: StageInput): Promise<TestNode> {
  return startNode({
    store: storage.store,
    settings: { drainMs: DRAIN_MS, ...settings },
    ...(limits === undefined ? {} : { limits }),
  });
}

function memoryStorage(): Storage {
  let store = new MemoryStore();
  return {
    get store() {
      return store;
    },
    reopen: () => {
      store = new MemoryStore(store);
    },
    remove: () => {},
  };
}

function lmdbStorage(): Storage {
  const directory = temporaryDirectory();
  let store = new LmdbStore({ directory });
  return {
    get store() {
      return store;
    },
    reopen: () => {
      store = new LmdbStore({ directory });
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
