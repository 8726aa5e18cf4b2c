/**
 * The promises of the README as rules over the history of one task. Pure: each rule says what is wrong, or nothing.
 *
 *  K1  A task answered OK is there in the end, and has ended (promises 1, 2).
 *  K2  One ending is recorded, by a live lease, and it is the one that was accepted (promise 3).
 *  K3  Attempts are charged for failures, timeouts and lost analyzers, for nothing else, and once each.
 *  K4  What is delivered and kept is what was submitted.
 */
import { CHARGING, type Charge, type FaultKind, type Finding } from "./history.ts";
import { isEnding, isSameFinding, type LeaseHistory, type TaskHistory } from "./task-history.ts";

/** When something was done to whom. */
export interface Fault {
  readonly fault: FaultKind;
  readonly target: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Faults by their target. */
export type Faults = ReadonlyMap<string, readonly Fault[]>;

/** Finds what is wrong with the history of one task. */
export type Rule = (task: TaskHistory, faults: Faults) => string[];

/** Answers that leave a submit open or refuse it for a passing reason. */
const PASSING_REFUSALS = new Set(["UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "CANCELLED"]);
/** The node keeps this many charges of a task. */
const KEPT_CHARGES = 20;
/** Clocks are read a little apart from what they time. */
const SLACK_MS = 50;

/** Every rule by its name. */
export const RULES: Readonly<Record<string, Rule>> = {
  "submit refused": ({ answer }) =>
    answer === undefined || answer === "OK" || PASSING_REFUSALS.has(answer) ? [] : [`answered ${answer}`],
  lost: (task) => {
    if (!task.isAccepted) return [];
    if (task.isDenied) return ["answered OK, and the node says that it never was"];
    return task.findings.length === 0 ? ["answered OK, and nowhere to be found"] : [];
  },
  stuck: (task) => {
    const { last } = task;
    return last === undefined || isEnding(last) ? [] : [`found ${last.state} in the end`];
  },
  phantom: (task) => (task.asked === undefined ? ["nobody submitted it"] : []),
  "two endings": ({ findings }) => {
    const [first, ...others] = findings.filter(isEnding);
    if (first === undefined) return [];
    return others
      .filter((other) => !isSameFinding({ ...other, crc: first.crc }, first))
      .map((other) => `seen to end as ${endingText(first)} and as ${endingText(other)}`);
  },
  "other content": contentProblems,
  "delivered after its ending": ({ leases, ending }) => {
    const recorded = leases.find(({ accepted, outcome }) => accepted && outcome === "success")?.lease ?? ending?.lease;
    if (recorded === undefined || recorded === 0) return [];
    return leases
      .filter(({ lease }) => lease > recorded)
      .map(({ lease }) => `lease ${lease} was given out although lease ${recorded} ended it`);
  },
  "ending without its lease": endingProblems,
  "accepted and forgotten": ({ leases, ending }) =>
    leases
      .filter(({ accepted, recorded, outcome }) => (accepted || recorded) && outcome === "success")
      .filter(({ lease }) => ending !== undefined && !(ending.state === "COMPLETED" && ending.lease === lease))
      .map(({ lease }) => `success of lease ${lease} was accepted, the ending is ${endingText(ending)}`),
  "two leases live": fencingProblems,
  "wrong attempt": attemptProblems,
  "charged without a cause": (task, faults) =>
    (task.ending?.charges ?? []).flatMap((charge) => chargeProblems(task, charge, faults)),
  "failure not charged": ({ leases, ending }) => {
    if (ending === undefined || ending.attempts > KEPT_CHARGES) return [];
    return leases
      .filter(({ accepted, outcome }) => accepted && outcome === "failure")
      .filter(({ attempt, analyzer }) => !ending.charges.some((c) => c.number === attempt && c.analyzer === analyzer))
      .map(
        ({ attempt, analyzer }) => `the failure of attempt ${attempt} at ${analyzer} was accepted and is not charged`,
      );
  },
  contradiction: ({ problems }) => problems,
};

function endingText(ending: Finding | undefined): string {
  if (ending === undefined) return "none";
  return `${ending.state} by lease ${ending.lease} of ${ending.analyzer} after ${ending.attempts} charges at ${ending.endMs}`;
}

function contentProblems({ asked, leases, findings }: TaskHistory): string[] {
  if (asked === undefined) return [];
  const delivered = leases.filter(({ crc }) => crc !== asked.crc).map(({ lease }) => `lease ${lease} carried another`);
  const found = findings.filter(({ crc }) => crc !== undefined && crc !== asked.crc).map(() => "kept with another");
  return [...delivered, ...found];
}

function endingProblems({ leases, ending }: TaskHistory): string[] {
  if (ending?.state !== "COMPLETED") return [];
  const by = leases.find(({ lease }) => lease === ending.lease);
  if (by === undefined) return [`completed by lease ${ending.lease}, which nobody got for it`];
  if (by.outcome !== "success") return [`completed by lease ${ending.lease}, which was answered with ${by.outcome}`];
  if (by.stale && !by.accepted && by.timesSent === 1)
    return [`completed by lease ${ending.lease}, which was told stale`];
  if (by.analyzer !== ending.analyzer) return [`completed by ${by.analyzer}, recorded as of ${ending.analyzer}`];
  return [];
}

/** A lease whose answer counts although a later one of the same task was in other hands when the answer was sent. */
function fencingProblems({ leases }: TaskHistory): string[] {
  return leases.flatMap((former) =>
    leases
      .filter((later) => former.accepted && later.lease > former.lease && later.deliveredMs < former.sentMs)
      .map((later) => `lease ${former.lease} was accepted after lease ${later.lease} had been delivered`),
  );
}

function attemptProblems({ asked, leases, ending }: TaskHistory): string[] {
  const problems: string[] = [];
  const inOrder = [...leases].sort((a, b) => a.lease - b.lease);
  for (const [index, { attempt, lease, accepted, outcome }] of inOrder.entries()) {
    const next = inOrder[index + 1];
    const least = accepted && outcome === "failure" ? attempt + 1 : attempt;
    if (next !== undefined && next.attempt < least) {
      problems.push(`lease ${next.lease} is attempt ${next.attempt} after attempt ${attempt} of lease ${lease}`);
    }
  }
  if (ending === undefined || asked === undefined) return problems;
  const by = leases.find(({ lease }) => lease === ending.lease);
  if (ending.state === "COMPLETED" && by !== undefined && by.attempt !== ending.attempts + 1) {
    problems.push(`completed in attempt ${by.attempt} with ${ending.attempts} charges`);
  }
  if (ending.state === "FAILED" && ending.attempts !== asked.maxAttempts) {
    problems.push(`failed after ${ending.attempts} charges of ${asked.maxAttempts} attempts`);
  }
  if (ending.state === "CANCELLED") problems.push("cancelled, and nobody asked for it");
  if (ending.charges.length !== Math.min(ending.attempts, KEPT_CHARGES)) {
    problems.push(`${ending.attempts} charges, ${ending.charges.length} of them in its history`);
  }
  if (new Set(ending.charges.map(({ number }) => number)).size !== ending.charges.length) {
    problems.push("one attempt was charged twice");
  }
  return problems;
}

function chargeProblems(task: TaskHistory, charge: Charge, faults: Faults): string[] {
  const what = `attempt ${charge.number} at ${charge.analyzer} as ${charge.code}`;
  switch (charge.code) {
    case "ANALYZER_LOST":
      return wasHit(charge, faults)
        ? []
        : [`${what} from ${charge.startMs} to ${charge.endMs}, and nothing had happened to that analyzer`];
    case "TIMEOUT": {
      const allowedMs = task.asked?.timeoutMs ?? 0;
      return allowedMs > 0 && charge.endMs - charge.startMs >= allowedMs - SLACK_MS ? [] : [`${what}, too early`];
    }
    default: {
      const isTheOne = ({ attempt, analyzer, outcome }: LeaseHistory): boolean =>
        attempt === charge.number && analyzer === charge.analyzer && outcome === "failure";
      return task.leases.some(isTheOne) ? [] : [`${what}, which it never sent`];
    }
  }
}

function wasHit({ analyzer, startMs, endMs }: Charge, faults: Faults): boolean {
  return (faults.get(analyzer) ?? []).some(
    ({ fault, fromMs, untilMs }) => CHARGING.has(fault) && fromMs <= endMs + SLACK_MS && untilMs >= startMs - SLACK_MS,
  );
}
