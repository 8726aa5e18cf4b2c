/**
 * The dispatch core alone: how many decisions per second `Share` makes, with few and with many analyzers. No node, no store,
 * no network: `npm run bench:core -- --help`.
 */
import { Share, type SharePolicy } from "../../src/core/share.ts";
import { type BenchCommand, benchCommand, COMMON_USAGE } from "../history/command.ts";
import { recordOf, Samples, type Subject } from "../history/record.ts";
import { monotonicMs } from "../monotonic.ts";

const REPETITIONS = 7;
const MEASURED_MS = 1000;
const QUICK_MEASURED_MS = 50;
/** Decisions between two looks at the clock. */
const CHUNK = 10_000;
/** Tasks in hand: after this many choices an analyzer is out of credit until it has been given as much again. */
const CREDIT = 10;

const UNLIMITED: SharePolicy = { maxLag: 100, maxLead: Number.POSITIVE_INFINITY, holdMs: 1000 };
const EXACT: SharePolicy = { maxLag: 100, maxLead: 1, holdMs: 1000 };

/** What is decided about, in one figure each. */
const FIGURES = [
  { name: "all have credit", policy: UNLIMITED, credit: Number.POSITIVE_INFINITY },
  { name: `credit runs out and returns every ${CREDIT} tasks`, policy: UNLIMITED, credit: CREDIT },
  { name: "max lead 1, all have credit", policy: EXACT, credit: Number.POSITIVE_INFINITY },
] as const;

const SIZES = [4, 100, 10_000];

const command: BenchCommand = {
  kind: "dispatch-core",
  usage: `Usage: npm run bench:core -- [options]\n\n${COMMON_USAGE}`,
  run: async ({ quick, repetitions = quick ? 2 : REPETITIONS }) => {
    const date = new Date().toISOString();
    const measuredMs = quick ? QUICK_MEASURED_MS : MEASURED_MS;
    const samples = new Samples();
    for (let repetition = 0; repetition <= repetitions; repetition++) {
      for (const size of SIZES) {
        for (const { name, policy, credit } of FIGURES) {
          const rate = decisionsPerSecond(size, policy, credit, measuredMs);
          // The first round is the warm-up.
          if (repetition === 0) continue;
          samples.add({ subject: String(size), name, unit: "decisions/s", better: "higher" }, rate);
        }
      }
    }
    const subjects = SIZES.map(
      (size): Subject => ({
        id: String(size),
        label: `${size.toLocaleString("en-US")} analyzers`,
        version: "",
        durability: "none, nothing is stored",
        syncsBeforeAnswer: false,
      }),
    );
    const settings = { measuredMs, credit: CREDIT };
    return recordOf({
      kind: "dispatch-core",
      date,
      settings,
      repetitions,
      subjects,
      metrics: samples.metrics(),
      absent: [],
      notes: ["Weights from 0.1 to 1 in turns."],
    });
  },
};

function decisionsPerSecond(size: number, policy: SharePolicy, credit: number, measuredMs: number): number {
  const share = new Share(policy);
  const left = new Map<string, number>();
  for (let index = 0; index < size; index++) {
    const member = share.attach(`analyzer-${index}`, ((index % 10) + 1) / 10, 0);
    share.setEligible(member, true, 0);
    left.set(member.id, credit);
  }
  const startMs = monotonicMs();
  let decisions = 0;
  while (monotonicMs() - startMs < measuredMs) {
    for (let i = 0; i < CHUNK; i++) decide(share, left, credit);
    decisions += CHUNK;
  }
  return (decisions * 1000) / (monotonicMs() - startMs);
}

/** A choice, and what it does to the credit of the chosen. */
function decide(share: Share, left: Map<string, number>, credit: number): void {
  const chosen = share.choose(0);
  if (chosen === undefined) throw new Error("nobody was chosen although all have credit");
  if (credit === Number.POSITIVE_INFINITY) return;
  const remaining = (left.get(chosen.id) ?? 0) - 1;
  left.set(chosen.id, remaining > 0 ? remaining : credit);
  if (remaining > 0) return;
  share.setEligible(chosen, false, 0);
  share.setEligible(chosen, true, 0);
}

process.exitCode = await benchCommand(command, process.argv.slice(2));
