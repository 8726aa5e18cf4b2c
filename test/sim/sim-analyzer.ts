/**
 * An analyzer that misbehaves on purpose: it answers late, twice, out of order or for others, vanishes, stalls, returns
 * with what it holds or with less, grants too much, says hello twice. What it does wrong it tells nobody; what the node
 * tells it is held against the ledger.
 */
import type { Hello, LeaseResult, NodeFrame } from "../../src/engine/frames.ts";
import { ANALYZER_ERROR, type Answer } from "./lease-book.ts";
import type { Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";
import { HEARTBEAT, type Net, type SimNode, SimStream } from "./sim-stream.ts";
import { idOfTask, numberIn } from "./sim-task.ts";

/** What a scenario says of an analyzer. */
export interface AnalyzerPlan {
  readonly id: string;
  readonly subscriptions: Hello["subscriptions"];
  readonly weight: number;
  /** 0 = leaves it to the node. */
  readonly maxInFlight: number;
  /** Probability that a task fails. */
  readonly failures: number;
  /** Frames to the node take their time. */
  readonly isSlow: boolean;
}

interface Held {
  readonly lease: number;
  readonly task: number;
  readonly attempt: number;
  /** The answer sent last on this stream, and how many were. */
  answer: Answer | undefined;
  answers: number;
}

/** Ways to break the protocol. */
export type Misconduct = "huge credit" | "second hello" | "no hello" | "foreign lease" | "flood";

/** Larger than every window. */
const HUGE_CREDIT = 1_000_000;
/** More frames than a session keeps before its welcome. */
const FLOOD_FRAMES = 120;

/** One analyzer with all its streams. */
export class SimAnalyzer {
  readonly plan: AnalyzerPlan;
  readonly #net: Net;
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #held = new Map<number, Held>();
  /** Streams that the node may still think are there, the latest last. */
  #streams: SimStream[] = [];
  #stream: SimStream | undefined;
  #greetedStream: SimStream | undefined;
  /** What it names in its next hello. */
  #weight: number;
  /** What the node reckons with. */
  shareWeight: number;
  /** It sends nothing until then, as a process that is stopped. */
  isStalled = false;

  constructor(plan: AnalyzerPlan, net: Net, ledger: Ledger, random: Random) {
    this.plan = plan;
    this.#net = net;
    this.#ledger = ledger;
    this.#random = random;
    this.#weight = plan.weight;
    this.shareWeight = plan.weight;
  }

  get id(): string {
    return this.plan.id;
  }

  get stream(): SimStream | undefined {
    return this.#stream;
  }

  get isConnected(): boolean {
    return this.#stream?.isUsable === true && !this.#stream.isFinished;
  }

  /** The stream whose hello the node has got last: its session, as long as that lives. */
  get session(): SimStream | undefined {
    return this.#greetedStream?.isOpenAtNode === true ? this.#greetedStream : undefined;
  }

  /** Streams that the node has not ended. */
  get openStreams(): readonly SimStream[] {
    return this.#streams.filter((stream) => stream.isOpenAtNode);
  }

  /** Leases that it thinks it holds. */
  get holding(): readonly number[] {
    return [...this.#held.keys()];
  }

  serves(queue: string): boolean {
    return this.plan.subscriptions.some((subscription) => subscription.queue === queue);
  }

  /** Opens a stream and says hello with what it holds, or with part of it. */
  connect(node: SimNode, isHonest: boolean): void {
    this.#open(node);
    for (const held of this.#held.values()) if (!isHonest && this.#forgets(held)) this.#held.delete(held.lease);
    for (const held of this.#held.values()) if (held.answer === "release") this.#held.delete(held.lease);
    const room = Math.max(0, (this.plan.maxInFlight || 1) - this.#held.size);
    this.#stream?.say({ ...HEARTBEAT, credit: this.#random.int(0, room), hello: this.#hello() });
  }

  /** Proves that it lives, unless it is stalled. */
  beat(): void {
    if (!this.isStalled) this.#stream?.say(HEARTBEAT);
  }

  /** Does something, or nothing. */
  act(): void {
    // What it holds is settled by the welcome: answers before that would be answers to an unknown question.
    const stream = this.#stream;
    if (this.isStalled || stream?.isWelcome !== true || stream.isFinished) return;
    const results: LeaseResult[] = [];
    const releases: number[] = [];
    for (const held of [...this.#held.values()]) {
      if (this.#random.chance(0.5)) continue;
      if (held.answer === undefined) this.#answer(held, this.#chooseAnswer(), results, releases);
      else if (this.#random.chance(0.1)) this.#answer(held, this.#chooseAnswer(), results, releases);
    }
    const freed = results.length + releases.length;
    const credit = this.#random.chance(0.8) ? this.#random.int(0, stream.room) : 0;
    const progress = this.holding.slice(0, 1).map((lease) => ({ lease, percent: 50, note: "" }));
    if (freed > 0 && this.#random.chance(0.2)) this.beat();
    stream.say({ results, releases, credit, progress });
  }

  /** Takes all it can and answers all it holds with success: how a simulation ends. */
  behave(): void {
    this.isStalled = false;
    const stream = this.#stream;
    if (stream?.isWelcome !== true || stream.isFinished) return;
    stream.isSlow = false;
    stream.deliverUplink();
    const results: LeaseResult[] = [];
    for (const held of [...this.#held.values()])
      if (held.answer === undefined) this.#answer(held, "success", results, []);
    stream.say({ ...HEARTBEAT, results });
    if (stream.isWelcome && stream.room > 0) stream.say({ ...HEARTBEAT, credit: stream.room });
  }

  misbehave(how: Misconduct, node: SimNode, foreign: number): void {
    if (how === "no hello") {
      this.#open(node);
      this.#stream?.say({ ...HEARTBEAT, credit: 1 });
      return;
    }
    if (how === "flood") {
      this.connect(node, false);
      for (let count = 0; count < FLOOD_FRAMES; count++) this.#stream?.say(HEARTBEAT);
      return;
    }
    if (!this.isConnected) return;
    if (how === "huge credit") this.#stream?.say({ ...HEARTBEAT, credit: HUGE_CREDIT });
    if (how === "second hello") this.#stream?.say({ ...HEARTBEAT, hello: this.#hello() });
    if (how === "foreign lease") {
      const kind = this.#random.pick(["success", "failure", "release"] as const) ?? "success";
      const releases = kind === "release" ? [foreign] : [];
      this.#stream?.say({ ...HEARTBEAT, results: kind === "release" ? [] : [resultOf(foreign, kind)], releases });
    }
  }

  /** The connection is gone, without a word; the node sees it, or does not. */
  vanish(isSeen: boolean): void {
    if (isSeen) this.#stream?.break();
    else this.#stream?.cut();
    this.#stream = undefined;
  }

  /** The node sees that old connections have broken. */
  tidyUp(): void {
    for (const stream of this.openStreams) if (stream !== this.#stream) stream.break();
  }

  /** Ends its side in good order: what it holds is released. Receipts still come. */
  leave(): void {
    const stream = this.#stream;
    if (stream?.isWelcome !== true || this.isStalled || stream.isFinished) return;
    stream.finish();
    for (const held of this.#held.values()) held.answer ??= "release";
    this.#stream = undefined;
  }

  /** The node is gone, and the streams with it. */
  nodeEnded(): void {
    this.#stream = undefined;
    this.#streams = [];
    this.#greetedStream = undefined;
  }

  /** An operator has set its weight. */
  weighed(weight: number, maxInFlight: number): void {
    this.shareWeight = weight;
    this.session?.resize(maxInFlight);
  }

  #open(node: SimNode): void {
    // An old stream that was not closed is half open: the node learns of the change only from the hello.
    this.#stream?.cut();
    const events = {
      received: (stream: SimStream, frame: NodeFrame) => this.#received(stream, frame),
      greeted: (stream: SimStream) => this.#greeted(stream),
    };
    this.#stream = new SimStream(this.#net, node, this.id, events);
    this.#stream.isSlow = this.plan.isSlow && this.#random.chance(0.5);
    this.#streams = [...this.openStreams, this.#stream];
  }

  #greeted(stream: SimStream): void {
    for (const other of this.#streams) if (other !== stream) other.replace();
    this.#greetedStream = stream;
    this.shareWeight = this.#weight;
  }

  #hello(): Hello {
    const held = [...this.#held.values()];
    return {
      analyzerId: this.id,
      subscriptions: this.plan.subscriptions,
      weight: this.#weight,
      maxInFlight: this.plan.maxInFlight,
      held: held.map(({ lease, task, attempt }) => ({ lease, taskId: idOfTask(task), attempt })),
      version: "",
      labels: {},
    };
  }

  /** Of what it has not answered it loses some. */
  #forgets({ answer }: Held): boolean {
    return answer === undefined && this.#random.chance(0.1);
  }

  #chooseAnswer(): Answer {
    const dice = this.#random.unit();
    if (dice < this.plan.failures) return this.#random.chance(0.15) ? "fatal" : "failure";
    return dice < this.plan.failures + 0.12 ? "release" : "success";
  }

  #answer(held: Held, answer: Answer, results: LeaseResult[], releases: number[]): void {
    held.answer = answer;
    held.answers += 1;
    if (answer === "release") releases.push(held.lease);
    else results.push(resultOf(held.lease, answer));
  }

  #received(stream: SimStream, frame: NodeFrame): void {
    for (const delivery of frame.deliveries) {
      const { lease, attempt } = delivery;
      this.#net.leases.arrived(lease);
      this.#checkDelivery(lease, numberIn(delivery), attempt);
      this.#held.set(lease, { lease, task: numberIn(delivery), attempt, answer: undefined, answers: 0 });
    }
    for (const lease of frame.accepted) this.#accepted(lease);
    for (const lease of frame.stale) this.#stale(lease);
    for (const { lease, reason } of frame.cancels) this.#cancelled(lease, reason);
    for (const { lease, state } of frame.welcome?.held ?? []) this.#settled(lease, state);
    if (frame.change !== undefined) this.#weight = frame.change.weight;
    if (frame.drain !== undefined && stream === this.#stream && this.#random.chance(0.5)) this.act();
  }

  #checkDelivery(lease: number, task: number, attempt: number): void {
    const entry = this.#net.leases.get(lease);
    const isRight = entry !== undefined && entry.task.number === task;
    this.#net.checks.that("lease", isRight, () => `task ${task} was delivered as lease ${lease}, which is not its`);
    if (entry === undefined || entry.recorded !== undefined || entry.task.lease !== lease) return;
    const due = entry.task.attempts + 1;
    this.#net.checks.that("attempt", attempt === due, () => `attempt ${attempt} of task ${task} is its ${due}.`);
  }

  #accepted(lease: number): void {
    const recorded = this.#net.leases.get(lease)?.recorded;
    this.#net.checks.that("receipt", recorded === "accepted", () => `lease ${lease} was receipted before its commit`);
    this.#held.delete(lease);
  }

  /** A stale second answer says nothing of the first, whose receipt is on its way. */
  #stale(lease: number): void {
    const held = this.#held.get(lease);
    if (held === undefined) return;
    const { checks } = this.#net;
    checks.that("receipt", held.answers !== 1 || !this.#isLive(held), () => {
      return `the only answer for live lease ${lease} of task ${held.task} was stale`;
    });
    if (held.answers === 1) this.#held.delete(lease);
    else held.answers -= 1;
  }

  /** Stops the work, or goes on and is told that it is stale. */
  #cancelled(lease: number, reason: "CANCELLED" | "TIMEOUT"): void {
    if (reason === "TIMEOUT" && this.#random.chance(0.7)) this.#held.delete(lease);
  }

  #settled(lease: number, state: "ADOPTED" | "RECORDED" | "LOST"): void {
    const held = this.#held.get(lease);
    if (held === undefined) return;
    const { checks, leases } = this.#net;
    const entry = leases.get(lease);
    if (state === "ADOPTED") {
      leases.arrived(lease);
      // What it had answered never arrived: it answers again.
      held.answer = undefined;
      held.answers = 0;
      return;
    }
    if (state === "RECORDED") {
      checks.that("receipt", entry?.recorded === "accepted", () => `lease ${lease} is called recorded, but is not`);
    }
    this.#held.delete(lease);
  }

  #isLive({ lease, task }: Held): boolean {
    const isEnding = this.#net.leases.get(lease)?.isEnding === true;
    return !isEnding && this.#ledger.get(idOfTask(task))?.lease === lease;
  }
}

function resultOf(lease: number, answer: "success" | "failure" | "fatal"): LeaseResult {
  if (answer === "success") {
    return { lease, kind: "success", result: { output: new Uint8Array(), contentType: "" } };
  }
  const error = { code: ANALYZER_ERROR, message: "failed", details: new Uint8Array() };
  return { lease, kind: "failure", error, nonRetryable: answer === "fatal" };
}
