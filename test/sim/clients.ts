/**
 * Emitters and operators: they submit, submit again when they have heard nothing, wait, cancel, redrive, purge, pause,
 * and believe what they are told. What they were told must stay true.
 */
import { SluiceError } from "../../src/core/errors.ts";
import { isEnded } from "../../src/core/lifecycle.ts";
import { MAX_OPERATION_TASKS } from "../../src/core/limits.ts";
import type { NewTask } from "../../src/core/task.ts";
import type { SubmitOutcome } from "../../src/engine/api.ts";
import type { QueueSettings } from "../../src/store/port.ts";
import type { Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import type { SimNode } from "./sim-stream.ts";
import { idOfTask, simTask, specOf } from "./sim-task.ts";
import type { Checks } from "./violation.ts";

/** Shortest timeout of a task: longer than a well-behaved analyzer takes in the end. */
const MIN_TIMEOUT_MS = 260;

/** Somebody who waits for a task. */
interface Wait {
  readonly id: string;
  answers: number;
  /** What ends it; undefined when the node it waited at is gone. */
  stop: (() => void) | undefined;
}

/** Emitters and operators. */
export class Clients {
  readonly #scenario: Scenario;
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #checks: Checks;
  /** Tasks whose outcome is not known, by number. */
  readonly #unsure = new Map<number, NewTask>();
  /** Tasks that were answered OK, by number, with the edition that was. */
  readonly #accepted = new Map<number, number>();
  readonly #waits = new Set<Wait>();
  #nextTask = 0;

  constructor(scenario: Scenario, random: Random, ledger: Ledger, checks: Checks) {
    this.#scenario = scenario;
    this.#random = random;
    this.#ledger = ledger;
    this.#checks = checks;
  }

  /** Numbers of the tasks that were answered OK. */
  get accepted(): readonly number[] {
    return [...this.#accepted.keys()];
  }

  /** Tasks whose outcome is not known yet. */
  get unsure(): number {
    return this.#unsure.size;
  }

  submit(node: SimNode, nowMs: number): void {
    const count = this.#random.int(1, this.#scenario.burst);
    const tasks = Array.from({ length: count }, () => this.#make(nowMs));
    this.#send(node, tasks);
  }

  /** Submits again what may not have arrived, or what has, or other content under a known id. */
  submitAgain(node: SimNode): void {
    const unsure = [...this.#unsure.values()].slice(0, 10);
    if (unsure.length > 0) this.#send(node, unsure);
    const [known, knownEdition] = this.#random.pick([...this.#accepted]) ?? [];
    if (known === undefined) return;
    const { queue } = this.#ledger.get(idOfTask(known)) ?? {};
    if (queue === undefined) return;
    const edition = this.#random.int(0, 1);
    const task = { ...simTask(known, { queue }), spec: specOf(known, edition) };
    this.#ask(node, node.distributor.submit([task]), ([outcome]) => {
      // Retention may have deleted it in the meantime: then it is a new one.
      const kind = edition === knownEdition ? "duplicate" : "conflict";
      if (outcome?.kind === "accepted") this.#accepted.set(known, edition);
      const isRight = outcome?.kind === kind || outcome?.kind === "accepted" || outcome?.kind === "full";
      this.#checks.that(
        "durable",
        isRight,
        () => `task ${known} submitted again, edition ${edition}: ${outcome?.kind}`,
      );
    });
  }

  /** Starts to wait for tasks, or stops. */
  wait(node: SimNode): void {
    const waits = [...this.#waits];
    if (waits.length > 5) {
      const wait = this.#random.pick(waits);
      wait?.stop?.();
      if (wait !== undefined) this.#waits.delete(wait);
    }
    const id = idOfTask(this.#random.int(0, this.#nextTask));
    const wait: Wait = { id, answers: 0, stop: undefined };
    this.#waits.add(wait);
    wait.stop = node.distributor.wait([id], (endedId, task) => {
      if (node.life.isOver) return;
      wait.answers += 1;
      const isRight = endedId === id && (task === undefined || isEnded(task.state)) && this.#waits.has(wait);
      this.#checks.that("wait", isRight && wait.answers === 1, () => `a wait for ${id}: answer ${wait.answers}`);
    });
  }

  cancel(node: SimNode): void {
    const ids = Array.from({ length: this.#random.int(1, 3) }, () => idOfTask(this.#random.int(0, this.#nextTask)));
    this.#ask(node, node.distributor.cancel({ ids }), () => {});
  }

  /** By ids, the same one twice or in two calls; or by filter, spread over time. */
  redrive(node: SimNode): void {
    const ids = this.#idsIn(["FAILED", "CANCELLED", "COMPLETED", "RUNNING", "PENDING"]);
    const rate = this.#random.chance(0.3) ? 20 : 0;
    if (this.#random.chance(0.3)) {
      const queue = this.#random.pick(this.#scenario.queues) ?? "q0";
      const limit = this.#random.chance(0.5) ? MAX_OPERATION_TASKS : 2;
      this.#ask(node, node.distributor.retry({ filter: { queue }, limit }, rate), () => {});
      return;
    }
    for (let calls = this.#random.int(1, 2); calls > 0; calls--) {
      this.#ask(node, node.distributor.retry({ ids: [...ids, ...ids] }, rate), () => {});
    }
  }

  purge(node: SimNode): void {
    const ids = this.#idsIn(["COMPLETED", "FAILED", "CANCELLED", "PENDING"]);
    this.#ask(node, node.distributor.purge({ ids }), () => {});
  }

  /** Looks at things; the answer matters less than that there is one. */
  look(node: SimNode): void {
    const { distributor } = node;
    const queue = this.#random.pick(this.#scenario.queues) ?? "q0";
    const id = idOfTask(this.#random.int(0, this.#nextTask));
    this.#ask(node, distributor.explainTask(id), ({ reasons }) => {
      this.#checks.that("fault", reasons.length > 0, () => `nothing explains task ${id}`);
    });
    this.#ask(
      node,
      distributor.list({ filter: { queue }, limit: 5, newestFirst: this.#random.chance(0.5) }),
      (page) => {
        const isRight = page.tasks.every((task) => task.queue === queue);
        this.#checks.that("fault", isRight, () => `a list of ${queue} has tasks of other queues`);
      },
    );
  }

  /** Changes settings; `done` is called once they hold. */
  configure(node: SimNode, queue: string, change: Partial<QueueSettings>, done: () => void): void {
    this.#ask(node, node.distributor.configureQueue(queue, change), done);
  }

  /** The node is gone: what it had not answered stays unknown, who waited at it waits no more. */
  nodeEnded(): void {
    this.#waits.clear();
  }

  /** In the end: those who wait for what has ended have heard of it. */
  checkWaits(): void {
    for (const { id, answers } of this.#waits) {
      const task = this.#ledger.get(id);
      const isOver = task === undefined || task.state === "GONE" || isEnded(task.state);
      this.#checks.that(
        "wait",
        !isOver || answers === 1,
        () => `a wait for ${id}, ${task?.state}, got ${answers} answers`,
      );
    }
  }

  #make(nowMs: number): NewTask {
    const { fairnessKeys, maxAttempts, timeouts, queues } = this.#scenario;
    const number = this.#nextTask++;
    return simTask(number, {
      queue: this.#random.pick(queues) ?? "q0",
      priority: this.#random.int(3, 5),
      startAtMs: this.#random.chance(0.15) ? nowMs + this.#random.int(1, 2000) : 0,
      timeoutMs: this.#random.chance(timeouts) ? this.#random.int(MIN_TIMEOUT_MS, 1500) : 0,
      retry: {
        maxAttempts: this.#random.pick(maxAttempts) ?? 1,
        initialBackoffMs: this.#random.pick([0, 100]) ?? 100,
        backoffFactor: 2,
        maxBackoffMs: 1000,
      },
      fairnessKey: this.#random.pick(fairnessKeys) ?? "",
      fairnessWeight: this.#random.pick([1, 2]) ?? 1,
    });
  }

  #send(node: SimNode, tasks: readonly NewTask[]): void {
    const numbers = tasks.map((task) => Number.parseInt(task.id.slice(-12), 16));
    for (const [index, task] of tasks.entries()) this.#unsure.set(numbers[index] ?? 0, task);
    this.#ask(node, node.distributor.submit(tasks), (outcomes) => {
      for (const [index, outcome] of outcomes.entries()) this.#answered(numbers[index] ?? 0, outcome);
    });
  }

  #answered(number: number, { kind }: SubmitOutcome): void {
    this.#unsure.delete(number);
    if (kind === "full") return;
    const isKnown = this.#ledger.get(idOfTask(number)) !== undefined;
    this.#checks.that("durable", isKnown, () => `task ${number} was answered "${kind}" but is not durable`);
    if (kind !== "conflict") this.#accepted.set(number, 0);
  }

  #idsIn(states: readonly string[]): string[] {
    const wanted = this.#random.pick(states);
    const ids: string[] = [];
    for (const { id, state } of this.#ledger.all()) if (state === wanted) ids.push(id);
    const from = this.#random.int(0, Math.max(0, ids.length - 1));
    return ids.slice(from, from + 3);
  }

  /** An answer counts if the node lived to give it. Refusals are the node's right; the outcome of a failure is unknown. */
  #ask<T>(node: SimNode, answer: Promise<T>, then: (value: T) => void): void {
    answer.then(
      (value) => {
        if (node.life.effect()) then(value);
      },
      (error: unknown) => {
        const isExpected =
          error instanceof SluiceError || (error instanceof Error && error.name === "StoreFailedError");
        this.#checks.that("fault", isExpected, () => `a client was answered with a fault: ${error}`);
      },
    );
  }
}
