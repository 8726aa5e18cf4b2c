/**
 * What the history says of one task, folded as it comes.
 */
import type { Finding, HistoryEvent } from "./history.ts";

/** One delivery, and what became of its lease. */
export interface LeaseHistory {
  readonly lease: number;
  readonly task: string;
  readonly attempt: number;
  readonly analyzer: string;
  readonly deliveredMs: number;
  /** Of the payload as it arrived. */
  readonly crc: number;
  outcome: "success" | "failure" | "release" | undefined;
  sentMs: number;
  /** Analyzers send a result again when they have seen no receipt for it. */
  timesSent: number;
  accepted: boolean;
  stale: boolean;
  /** The node said that the task had ended with this lease. */
  recorded: boolean;
}

/** Everything known of one task. */
export class TaskHistory {
  readonly task: string;
  asked: Extract<HistoryEvent, { kind: "asked" }> | undefined;
  answer: string | undefined;
  isDenied = false;
  /** In the order of arrival. */
  readonly leases: LeaseHistory[] = [];
  /** Different ones only. */
  readonly findings: Finding[] = [];
  /** Contradictions within single events, found as they came. */
  readonly problems: string[] = [];

  constructor(task: string) {
    this.task = task;
  }

  get isAccepted(): boolean {
    return this.answer === "OK";
  }

  /** It was answered OK, and nobody has seen its ending. */
  get isOpen(): boolean {
    return this.isAccepted && this.ending === undefined;
  }

  /** What was found last. */
  get last(): Finding | undefined {
    return this.findings.at(-1);
  }

  /** The first ending that anybody saw. */
  get ending(): Finding | undefined {
    return this.findings.find(isEnding);
  }

  /** Takes a finding. Repetitions are dropped, so that memory does not grow with how often somebody looks. */
  find(finding: Finding): void {
    if (!this.findings.some((known) => isSameFinding(known, finding))) this.findings.push(finding);
  }
}

/** Whether a task in this state is done. */
export function isEnding({ state }: Finding): boolean {
  return state === "COMPLETED" || state === "FAILED" || state === "CANCELLED";
}

/** Whether two findings of one task say the same ending. */
export function isSameFinding(one: Finding, other: Finding): boolean {
  return (
    one.state === other.state &&
    one.attempts === other.attempts &&
    one.analyzer === other.analyzer &&
    one.lease === other.lease &&
    one.endMs === other.endMs &&
    one.crc === other.crc
  );
}
