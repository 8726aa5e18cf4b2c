/**
 * Runs the analyzers of a pool as child processes: carries out what `core/pool.ts` decides.
 *
 *  V1  Every analyzer has an id that no other has had: what a crashed one held is charged to its attempt, not taken over.
 *  V2  When `run` resolves no analyzer is left.
 *  V3  An analyzer whose command line is wrong (exit status 2) would be wrong each time: the pool gives up.
 */
import { hostname } from "node:os";
import { performance } from "node:perf_hooks";
import type { GetScalingResponse } from "@sluice/client/contract";
import { Pool, type PoolAction, type PoolMember, type PoolPolicy } from "../../core/pool.ts";
import { ChildProgram, type ChildSurroundings, type Exit } from "../child-program.ts";
import { EXIT_OK, EXIT_USAGE } from "../exit.ts";
import { formatCount, formatDuration, formatPlural } from "../output/figures.ts";
import type { PoolControl } from "./control-server.ts";
import { CRASH_LOOP, type PoolStatus } from "./status.ts";

/** A pool to run. */
export interface PoolSettings extends PoolPolicy {
  readonly queue: string;
  readonly addresses: readonly string[];
  /** Arguments of `sluice work` besides the id. */
  readonly workArgs: readonly string[];
  /** Path of this program's main module. */
  readonly program: string;
  readonly surroundings: Pick<ChildSurroundings, "directory" | "env">;
  /** Tells people. */
  say(line: string): void;
}

/** What the node said last. */
export type Wanted = Pick<GetScalingResponse, "waiting" | "running" | "analyzersWanted" | "targetWaitMs">;

const MAX_HOST_LENGTH = 64;
/** Longest wait of a timer. */
const MAX_WAIT_MS = 60_000;

/** See the top of the file. */
export class Supervisor implements PoolControl {
  readonly #settings: PoolSettings;
  readonly #pool: Pool;
  /** Running ones by their numbers. */
  readonly #processes = new Map<number, ChildProgram>();
  /** How those that crashed ended, by their numbers. */
  readonly #lastWords = new Map<number, string>();
  readonly #idPrefix: string;
  #scaling: Wanted | undefined;
  #problem: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #status = EXIT_OK;
  #over: (status: number) => void = () => {};

  constructor(settings: PoolSettings) {
    this.#settings = settings;
    this.#pool = new Pool(settings);
    const host = hostname().replaceAll(/[^A-Za-z0-9._-]/g, "-");
    this.#idPrefix = `${host.slice(0, MAX_HOST_LENGTH)}-${process.pid}`;
  }

  /** Starts the first analyzers. Resolves with the exit status once the pool was stopped and all have ended. */
  run(): Promise<number> {
    return new Promise((resolve) => {
      this.#over = resolve;
      this.#act();
    });
  }

  /** The node has said how many it wants. */
  want(scaling: Wanted): void {
    if (this.#problem !== undefined) this.#settings.say("the node answers again");
    this.#problem = undefined;
    this.#scaling = scaling;
    this.#pool.want(scaling.analyzersWanted, performance.now());
    this.#act();
  }

  /** The node does not say how many it wants: those that are there stay. */
  lost(problem: string): void {
    if (this.#problem === undefined) this.#settings.say(`${problem}; the pool stays as it is until then`);
    this.#problem = problem;
  }

  scale(analyzers: number | undefined): void {
    this.#settings.say(analyzers === undefined ? "left to what the node wants" : `set to ${analyzers} by hand`);
    this.#pool.setByHand(analyzers);
    this.#act();
  }

  /** Drains all analyzers. */
  stop(): void {
    this.#pool.close();
    this.#act();
  }

  /** Ends all analyzers without waiting for what they do. */
  endAtOnce(): void {
    for (const child of this.#processes.values()) child.endAtOnce();
  }

  status(): PoolStatus {
    const { queue, addresses, min, max } = this.#settings;
    const nowMs = performance.now();
    return {
      queue,
      pid: process.pid,
      addresses: [...addresses],
      min,
      max,
      target: this.#pool.target(nowMs),
      byHand: this.#pool.byHand ?? null,
      scaling: this.#scaling === undefined ? null : wantedOf(this.#scaling),
      problem: this.#problem ?? null,
      analyzers: this.#pool.members.map((member) => this.#memberStatus(member, nowMs)),
    };
  }

  #memberStatus(member: PoolMember, nowMs: number): PoolStatus["analyzers"][number] {
    return {
      id: this.#id(member.analyzer),
      state: member.state,
      pid: this.#processes.get(member.analyzer)?.pid ?? null,
      forMs: Math.round(nowMs - member.sinceMs),
      crashes: member.crashes,
      restartInMs: Math.max(0, Math.round(member.restartMs - nowMs)),
      lastWords: this.#lastWords.get(member.analyzer) ?? "",
    };
  }

  #id(analyzer: number): string {
    return `${this.#idPrefix}-${analyzer}`;
  }

  #act(): void {
    const nowMs = performance.now();
    const actions = this.#pool.decide(nowMs);
    this.#announce(actions);
    for (const action of actions) this.#carryOut(action);
    clearTimeout(this.#timer);
    if (this.#pool.isOver) {
      this.#over(this.#status);
      return;
    }
    const dueMs = this.#pool.dueMs(nowMs);
    if (dueMs === undefined) return;
    // Rounded up: a timer that fires early would find nothing to do.
    this.#timer = setTimeout(() => this.#act(), Math.min(MAX_WAIT_MS, Math.ceil(dueMs - nowMs)));
  }

  #announce(actions: readonly PoolAction[]): void {
    const started = actions.filter(({ kind }) => kind === "start").length;
    const stopped = actions.filter(({ kind }) => kind === "stop").length;
    if (started > 0) this.#settings.say(`starting ${formatPlural(started, "analyzer")}${this.#reason()}`);
    if (stopped > 0) this.#settings.say(`stopping ${formatPlural(stopped, "analyzer")}${this.#reason()}`);
  }

  #reason(): string {
    if (this.#scaling === undefined || this.#pool.byHand !== undefined) return "";
    const { analyzersWanted, waiting, running } = this.#scaling;
    return `: ${analyzersWanted} wanted, ${formatCount(waiting)} waiting, ${formatCount(running)} running`;
  }

  #carryOut({ kind, analyzer }: PoolAction): void {
    const child = this.#processes.get(analyzer);
    switch (kind) {
      case "start":
        this.#start(analyzer);
        return;
      case "stop":
        child?.terminate();
        return;
      case "kill":
        this.#settings.say(`${this.#id(analyzer)} does not stop in time: killed`);
        void child?.crash();
        return;
    }
  }

  #start(analyzer: number): void {
    const { program, workArgs, surroundings, say } = this.#settings;
    const id = this.#id(analyzer);
    const onLine = (line: string): void => say(`${id}: ${line}`);
    const child = new ChildProgram(program, ["work", "--id", id, ...workArgs], {
      ...surroundings,
      onLine,
      onErrorLine: onLine,
    });
    this.#processes.set(analyzer, child);
    child.exited.then(
      (exit) => this.#ended(analyzer, exit, child.lastLines.at(-1) ?? ""),
      (error: unknown) => this.#ended(analyzer, { status: null, signal: null }, String(error)),
    );
  }

  #ended(analyzer: number, exit: Exit, lastLine: string): void {
    const nowMs = performance.now();
    this.#processes.delete(analyzer);
    const isCrash = this.#pool.ended(analyzer, nowMs);
    if (isCrash && exit.status === EXIT_USAGE) this.#giveUp(analyzer);
    else if (isCrash) this.#crashed(analyzer, exit, lastLine, nowMs);
    this.#act();
  }

  #giveUp(analyzer: number): void {
    this.#settings.say(`${this.#id(analyzer)} was started in a wrong way, as any other would be: the pool ends`);
    this.#status = EXIT_USAGE;
    this.#pool.close();
  }

  #crashed(analyzer: number, { status, signal }: Exit, lastLine: string, nowMs: number): void {
    const seats = this.#pool.members.filter(({ state }) => state === "crashed");
    for (const known of this.#lastWords.keys()) {
      if (!seats.some((seat) => seat.analyzer === known)) this.#lastWords.delete(known);
    }
    const how = signal === null ? `exit status ${status ?? "unknown"}` : signal;
    this.#lastWords.set(analyzer, lastLine === "" ? how : `${how}, ${lastLine}`);
    const seat = seats.find((each) => each.analyzer === analyzer);
    if (seat === undefined) return;
    const loop = seat.crashes >= CRASH_LOOP ? `crash loop, ${seat.crashes} in a row; ` : "";
    // Rounded: a difference of times is not exact, and what is almost a second would be shown as 1000ms.
    const again = formatDuration(Math.round(seat.restartMs - nowMs));
    this.#settings.say(`${this.#id(analyzer)} ended unasked with ${how}: ${loop}starting again in ${again}`);
  }
}

/** The figures alone: what came from the node is a message. */
function wantedOf({ waiting, running, analyzersWanted, targetWaitMs }: Wanted): NonNullable<PoolStatus["scaling"]> {
  return { waiting, running, analyzersWanted, targetWaitMs };
}
