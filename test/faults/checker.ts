/**
 * The checker: folds a history and says which promises it breaks. Pure, so that its own tests can show that it fails.
 */
import type { Finding, HistoryEvent } from "./history.ts";
import { type Fault, RULES } from "./rules.ts";
import { type LeaseHistory, TaskHistory } from "./task-history.ts";

/** One broken promise. */
export interface Violation {
  readonly rule: string;
  readonly task: string;
  readonly detail: string;
}

/** What a run amounted to. */
export interface Tally {
  readonly asked: number;
  readonly accepted: number;
  readonly deliveries: number;
  readonly results: number;
  readonly receiptsAccepted: number;
  readonly receiptsStale: number;
  /** Leases that analyzers took along into a new session. */
  readonly adopted: number;
  readonly endings: Readonly<Record<string, number>>;
  readonly charges: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
}

/** What the checker found. */
export interface Verdict {
  /** The first of each task and rule. */
  readonly violations: readonly Violation[];
  readonly tally: Tally;
}

/** Counts by name. */
class Counts {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  get all(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** No analyzer has this name. */
const EVERYBODY = "";

/** See the top of the file. */
export class Checker {
  readonly #tasks = new Map<string, TaskHistory>();
  readonly #leases = new Map<number, LeaseHistory>();
  readonly #faults = new Map<string, Fault[]>();
  readonly #events = new Counts();
  readonly #deliveries = new Counts();
  readonly #faultCounts = new Counts();
  #accepted = 0;
  #open = 0;

  /** Tasks that were answered OK. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Of those, the ones whose ending nobody has seen yet. */
  get open(): number {
    return this.#open;
  }

  /** Deliveries that reached their analyzer, or those that reached one. */
  deliveries(analyzer?: string): number {
    return this.#deliveries.get(analyzer ?? EVERYBODY);
  }

  /** Takes the next event. */
  note(event: HistoryEvent): void {
    switch (event.kind) {
      case "asked":
        this.#events.add("asked");
        this.#task(event.task).asked = event;
        return;
      case "answered":
        this.#change(this.#task(event.task), (task) => {
          task.answer = event.code;
        });
        return;
      case "delivered":
        this.#delivered(event);
        return;
      case "sent":
      case "receipt":
      case "held":
        this.#told(event);
        return;
      case "ended":
        this.#change(this.#task(event.finding.task), (task) => task.find(event.finding));
        return;
      case "missing":
        this.#task(event.task).isDenied = true;
        return;
      case "fault":
        this.#hit(event);
        return;
    }
  }

  /** What is wrong now that the run is over. */
  verdict(): Verdict {
    const violations: Violation[] = [];
    for (const task of this.#tasks.values()) {
      for (const [rule, find] of Object.entries(RULES)) {
        const [detail] = find(task, this.#faults);
        if (detail !== undefined) violations.push({ rule, task: task.task, detail });
      }
    }
    return { violations, tally: this.#tally() };
  }

  /** Changes a task, and keeps the counts. */
  #change(task: TaskHistory, apply: (task: TaskHistory) => void): void {
    const before = [task.isAccepted, task.isOpen];
    apply(task);
    this.#accepted += Number(task.isAccepted) - Number(before[0]);
    this.#open += Number(task.isOpen) - Number(before[1]);
  }

  #task(id: string): TaskHistory {
    const known = this.#tasks.get(id);
    if (known !== undefined) return known;
    const task = new TaskHistory(id);
    this.#tasks.set(id, task);
    return task;
  }

  #delivered(event: Extract<HistoryEvent, { kind: "delivered" }>): void {
    this.#deliveries.add(EVERYBODY);
    this.#deliveries.add(event.analyzer);
    const task = this.#task(event.task);
    const former = this.#leases.get(event.lease);
    if (former !== undefined) {
      task.problems.push(`lease ${event.lease} was delivered before, for ${former.task} to ${former.analyzer}`);
      return;
    }
    const { lease, attempt, analyzer, atMs, crc } = event;
    const history: LeaseHistory = {
      lease,
      task: event.task,
      attempt,
      analyzer,
      deliveredMs: atMs,
      crc,
      outcome: undefined,
      sentMs: 0,
      timesSent: 0,
      accepted: false,
      stale: false,
      recorded: false,
    };
    this.#leases.set(lease, history);
    task.leases.push(history);
  }

  #told(event: Extract<HistoryEvent, { kind: "sent" | "receipt" | "held" }>): void {
    const lease = this.#leases.get(event.lease);
    if (lease === undefined) {
      this.#task("unknown").problems.push(`${event.kind} of lease ${event.lease}, which was never delivered`);
      return;
    }
    const problem = tell(lease, event);
    if (problem !== undefined) this.#task(lease.task).problems.push(problem);
    if (event.kind === "sent") this.#events.add("sent");
    else this.#events.add(event.kind === "receipt" ? event.verdict : event.state);
  }

  #hit({ fault, target, atMs, untilMs }: Extract<HistoryEvent, { kind: "fault" }>): void {
    this.#faultCounts.add(fault);
    const faults = this.#faults.get(target) ?? [];
    faults.push({ fault, target, fromMs: atMs, untilMs: untilMs ?? atMs });
    this.#faults.set(target, faults);
  }

  #tally(): Tally {
    const endings = new Counts();
    const charges = new Counts();
    for (const { ending } of this.#tasks.values()) {
      if (ending !== undefined) endings.add(ending.state);
      for (const { code } of ending?.charges ?? []) charges.add(code);
    }
    return {
      asked: this.#events.get("asked"),
      accepted: this.accepted,
      deliveries: this.deliveries(),
      results: this.#events.get("sent"),
      receiptsAccepted: this.#events.get("accepted"),
      receiptsStale: this.#events.get("stale"),
      adopted: this.#events.get("ADOPTED"),
      endings: endings.all,
      charges: charges.all,
      faults: this.#faultCounts.all,
    };
  }
}

/** Notes on a lease what was said of it. Returns what contradicts what was said before. */
function tell(
  lease: LeaseHistory,
  event: Extract<HistoryEvent, { kind: "sent" | "receipt" | "held" }>,
): string | undefined {
  if (event.analyzer !== lease.analyzer) {
    return `${event.kind} of lease ${lease.lease} of ${lease.analyzer} came by ${event.analyzer}`;
  }
  switch (event.kind) {
    case "sent":
      lease.outcome = event.outcome;
      lease.sentMs = event.atMs;
      lease.timesSent += 1;
      return undefined;
    case "receipt":
      lease.accepted ||= event.verdict === "accepted";
      lease.stale ||= event.verdict === "stale";
      if (lease.timesSent === 0) return `a receipt for lease ${lease.lease}, which was never answered`;
      return lease.accepted && lease.stale && lease.timesSent === 1
        ? `lease ${lease.lease} was answered once, and told both accepted and stale`
        : undefined;
    case "held":
      lease.recorded ||= event.state === "RECORDED";
      return undefined;
  }
}

/** The end of the run, as a client lists it. */
export function noteFindings(checker: Checker, findings: Iterable<Finding>, atMs: number): void {
  for (const finding of findings) checker.note({ kind: "ended", atMs, finding });
}
