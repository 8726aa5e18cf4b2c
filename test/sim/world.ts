/**
 * One simulated world: its clock, its disk, its analyzers and clients, and the node that runs now, which may die or stop at
 * any time and is then started again on the same disk.
 */
import { Engine } from "../../src/engine/engine.ts";
import { DEFAULT_ENGINE_SETTINGS } from "../../src/engine/settings.ts";
import { Clients } from "./clients.ts";
import { LeaseBook } from "./lease-book.ts";
import { Ledger } from "./ledger.ts";
import { Life } from "./life.ts";
import { Random } from "./random.ts";
import { drawScenario, type Scenario } from "./scenario.ts";
import { ShareWatch } from "./share-watch.ts";
import { SimAnalyzer } from "./sim-analyzer.ts";
import { SimClock } from "./sim-clock.ts";
import { SimStore } from "./sim-store.ts";
import type { SimNode } from "./sim-stream.ts";
import { isSameSpec } from "./sim-task.ts";
import { checkState } from "./state-checks.ts";
import { Tally } from "./tally.ts";
import { Checks } from "./violation.ts";

/** Commits that a start may need. */
const MAX_START_COMMITS = 20;

/** Gets a line for everything that happens. */
export type Note = (line: string) => void;

/** The node that runs now. */
export interface RunningNode extends SimNode {
  readonly distributor: Engine;
  readonly store: SimStore;
  isDraining: boolean;
  /** Its drain is over and its store closed. */
  isClosed: boolean;
}

/** One world. */
export class World {
  readonly random: Random;
  readonly scenario: Scenario;
  readonly clock = new SimClock();
  readonly checks = new Checks();
  /** What came of it all, such as lost analyzers and adopted leases. */
  readonly events = new Tally();
  readonly leases: LeaseBook;
  readonly ledger: Ledger;
  readonly analyzers: readonly SimAnalyzer[];
  readonly clients: Clients;
  /** By queue, for the present start of the node. */
  readonly watches = new Map<string, ShareWatch>();
  readonly note: Note | undefined;
  #node: RunningNode | undefined;
  #deliveries = 0;
  #isCalm = false;
  /** The node whose queues were set free. */
  #calmedNode: RunningNode | undefined;
  /** Effects of the node's life when its state was last checked. */
  #checkedEffects = 0;

  constructor(seed: number, note: Note | undefined) {
    this.random = new Random(seed);
    this.note = note;
    this.scenario = drawScenario(this.random);
    const { patience } = this.scenario;
    this.leases = new LeaseBook(this.checks, this.clock, patience);
    this.ledger = new Ledger(this.checks, this.leases, note);
    this.clients = new Clients(this.scenario, this.random, this.ledger, this.checks);
    const net = {
      clock: this.clock,
      checks: this.checks,
      leases: this.leases,
      patience,
      noteDelivery: (lease: number, analyzerId: string) => this.#delivered(lease, analyzerId),
    };
    this.analyzers = this.scenario.analyzers.map((plan) => new SimAnalyzer(plan, net, this.ledger, this.random));
  }

  get node(): RunningNode {
    if (this.#node === undefined) throw new Error("no node runs");
    return this.#node;
  }

  get deliveries(): number {
    return this.#deliveries;
  }

  /** The first start, with the queues set as the scenario wants them. */
  async begin(): Promise<void> {
    await this.#start(undefined);
    const { store, distributor } = this.node;
    store.isPrompt = true;
    for (const [queue, settings] of this.scenario.settings) {
      await distributor.configureQueue(queue, settings);
      const { maxLag = 100, maxLead = 0 } = settings;
      this.watches.set(queue, new ShareWatch(queue, { maxLag, maxLead }, this.checks));
    }
    store.isPrompt = false;
  }

  /** Restarts a node that has ended, then checks everything. Throws the first Violation. */
  async check(): Promise<void> {
    this.checks.rethrow();
    while (this.node.life.isOver || this.node.isClosed) await this.#restart();
    const { distributor, life, store, isDraining } = this.node;
    // A disk that has failed answers nothing, and while nothing enters or leaves the process nothing has changed.
    if (store.isFailed || life.effects === this.#checkedEffects) return;
    const figures = await distributor.figures("");
    const { analyzers, ledger, watches } = this;
    checkState({ figures, life, store, isDraining, analyzers, ledger, watches }, this.checks);
    this.#checkedEffects = life.effects;
    this.checks.rethrow();
  }

  /** The node stops in good order; another start follows when it has. */
  drain(): void {
    const { node } = this;
    if (node.isDraining) return;
    node.isDraining = true;
    this.leases.nodeDrainedMs = this.clock.monotonicMs;
    for (const { session } of this.analyzers) session?.drain();
    const closed = () => {
      if (node.life.effect()) node.isClosed = true;
    };
    const failed = (error: unknown) => {
      this.checks.that("fault", node.store.isFailed, () => `the drain failed: ${error}`);
    };
    node.distributor[Symbol.asyncDispose]().then(closed, failed);
  }

  /** From now on the disk is prompt, processes live, and no queue is paused or full. */
  async calm(): Promise<void> {
    this.#isCalm = true;
    const { store, life, isDraining } = this.node;
    life.endAfter(Number.POSITIVE_INFINITY);
    store.isPrompt = true;
    store.commit(store.pendingCommits);
    while (store.pendingClaims > 0) store.claimOne(0);
    await this.clock.settle();
    if (isDraining || this.#calmedNode === this.#node) return;
    this.#calmedNode = this.#node;
    for (const queue of this.scenario.queues) {
      this.ledger.paused.delete(queue);
      this.clients.configure(this.node, queue, { paused: false, maxWaiting: 1_000_000 }, () => {});
    }
  }

  #delivered(lease: number, analyzerId: string): void {
    this.#deliveries += 1;
    const queue = this.leases.get(lease)?.task.queue ?? "";
    this.note?.(`lease ${lease} sent to ${analyzerId}`);
    for (const watch of this.watches.values()) watch.delivered(lease, analyzerId, queue);
  }

  async #restart(): Promise<void> {
    const { life, store, isClosed } = this.node;
    this.note?.(isClosed ? "-- the node has stopped" : "-- the node has died");
    this.events.add(isClosed ? "clean stops" : "deaths");
    life.end();
    this.events.add("commits cut off", store.pendingCommits);
    store.crash();
    await this.clock.settle();
    for (const analyzer of this.analyzers) analyzer.nodeEnded();
    this.clients.nodeEnded();
    this.leases.nodeEnded();
    if (this.random.chance(0.5)) await this.clock.advance(this.random.int(0, 2000));
    await this.#start(store);
  }

  /** Starts a node. It may die in that. */
  async #start(after: SimStore | undefined): Promise<void> {
    const { checks, clock, ledger, random, scenario } = this;
    const life = new Life(clock);
    const store = new SimStore({ life, ledger, checks, random, claims: scenario.claims, after });
    const distributor = new Engine({
      store,
      clock: life,
      random: () => random.unit(),
      settings: { ...DEFAULT_ENGINE_SETTINGS, ...scenario.patience },
      version: "sim",
      log: (level, event) => {
        if (life.isOver) return;
        if (level !== "debug") this.events.add(event);
        this.note?.(event);
      },
      sameSpec: isSameSpec,
      onFailure: (error) => {
        checks.that("fault", store.isFailed, () => `the node failed: ${error.stack}`);
        life.end();
      },
    });
    this.#node = { distributor, store, life, isDraining: false, isClosed: false };
    this.#checkedEffects = 0;
    ledger.paused.clear();
    if (after !== undefined && !this.#isCalm && random.chance(0.1)) life.endAfter(random.int(0, 10));
    await this.#awaitStart(distributor.start());
    if (life.isOver) return;
    store.isPrompt = this.#isCalm;
    const { queues } = await distributor.figures("");
    for (const { name, settings } of queues) {
      if (settings.paused) ledger.paused.add(name);
      this.watches.set(name, new ShareWatch(name, settings, checks));
    }
  }

  async #awaitStart(started: Promise<void>): Promise<void> {
    const { life, store } = this.node;
    let isStarted = false;
    started.then(
      () => {
        isStarted = true;
      },
      (error: unknown) => this.checks.that("fault", false, () => `the node did not start: ${error}`),
    );
    for (let commits = 0; commits < MAX_START_COMMITS && !isStarted && !life.isOver; commits++) {
      await this.clock.settle();
      if (!isStarted) store.commit(1);
    }
    this.checks.that("fault", isStarted || life.isOver, () => "the node does not start");
    this.checks.rethrow();
  }
}
