/**
 * What must hold between two steps: the figures that the node shows agree with the books, and nothing waits without a
 * reason.
 */
import type { AnalyzerFigures, Figures, QueueFigures } from "../../src/engine/api.ts";
import type { Ledger } from "./ledger.ts";
import type { Life } from "./life.ts";
import type { ShareWatch } from "./share-watch.ts";
import type { SimAnalyzer } from "./sim-analyzer.ts";
import type { SimStore } from "./sim-store.ts";
import type { Checks } from "./violation.ts";

/** Timers of a node: its alarms, and one for each stream that broke within the last grace or drain. */
const MAX_TIMERS = 64;
/** Rounding of leads. */
const SLACK = 1e-6;
/** States that counts are compared in. Ended tasks can be deleted by retention. */
const UNFINISHED = ["PENDING", "SCHEDULED", "RUNNING", "RETRYING"] as const;

/** A node between two steps. */
export interface NodeView {
  readonly figures: Figures;
  readonly life: Life;
  readonly store: SimStore;
  readonly isDraining: boolean;
  readonly analyzers: readonly SimAnalyzer[];
  readonly ledger: Ledger;
  readonly watches: ReadonlyMap<string, ShareWatch>;
}

/** Looks at everything. */
export function checkState(view: NodeView, checks: Checks): void {
  checkBounds(view, checks);
  checkCounts(view, checks);
  checkCredit(view, checks);
  for (const queue of view.figures.queues) {
    checkLeads(queue, view, checks);
    checkIdle(queue, view, checks);
    const members = view.analyzers.filter((analyzer) => analyzer.serves(queue.name));
    const views = members.map((analyzer) => ({
      id: analyzer.id,
      shareWeight: analyzer.shareWeight,
      spare: isEligible(analyzer, view) ? (analyzer.session?.spare ?? 0) : 0,
    }));
    view.watches.get(queue.name)?.step(views);
  }
}

function isEligible({ session }: SimAnalyzer, { store }: NodeView): boolean {
  // What a claim under way was decided with is spent already, and nobody but the node knows whose it is.
  return session?.isEligible === true && store.pendingClaims === 0;
}

function checkBounds({ figures, life, store, analyzers, ledger }: NodeView, checks: Checks): void {
  const { leases, sessions } = figures.node;
  if (store.pendingCommits === 0 && store.pendingClaims === 0) {
    const running = ledger.total("RUNNING");
    checks.that("bounded", leases === running, () => `the node keeps ${leases} leases, ${running} tasks run`);
  }
  const open = analyzers.reduce((sum, { openStreams }) => sum + openStreams.length, 0);
  checks.that("bounded", sessions === open, () => `the node keeps ${sessions} sessions, ${open} streams are open`);
  const timers = life.pendingTimers;
  checks.that("bounded", timers <= MAX_TIMERS, () => `${timers} timers wait`);
}

function checkCounts({ figures, ledger }: NodeView, checks: Checks): void {
  let kept = 0;
  for (const { name, counts } of figures.queues) {
    kept += counts.COMPLETED + counts.FAILED + counts.CANCELLED;
    for (const state of UNFINISHED) {
      const due = ledger.counts(name)[state];
      checks.that(
        "durable",
        counts[state] === due,
        () => `${counts[state]} tasks of ${name} are ${state}, ${due} should`,
      );
    }
  }
  checks.that("durable", kept === ledger.kept, () => `${kept} ended tasks are kept, ${ledger.kept} should be`);
}

function checkCredit({ figures, store, analyzers, isDraining }: NodeView, checks: Checks): void {
  if (isDraining || store.pendingClaims > 0) return;
  const shown = new Map(figures.analyzers.map((analyzer) => [analyzer.id, analyzer]));
  for (const { id, session } of analyzers) {
    if (session === undefined || !session.isEligible) continue;
    const { credit } = session;
    const at = shown.get(id)?.credit;
    checks.that("credit", at === credit, () => `${id} has permitted ${credit} more, the node knows of ${at}`);
  }
}

function checkLeads({ name, shares, settings }: QueueFigures, view: NodeView, checks: Checks): void {
  // A refund restores shares exactly only in the reverse order of choosing (core/share.ts). Claims that take time are
  // answered in any order, and V may then fall back a little too far, which puts others ahead of it.
  const most = view.store.claimsTakeTime ? Number.POSITIVE_INFINITY : (view.watches.get(name)?.maxLead ?? 0) + 1;
  for (const { analyzerId, lead } of shares) {
    const analyzer = view.analyzers.find(({ id }) => id === analyzerId);
    if (analyzer === undefined || !isEligible(analyzer, view)) continue;
    const isWithin = lead >= -settings.maxLag - SLACK && lead <= most + SLACK;
    checks.that("share", isWithin, () => {
      return `${analyzerId} is ${lead} tasks ahead in ${name}: the bounds are ${-settings.maxLag} and ${most}`;
    });
  }
}

function checkIdle({ name, counts, settings }: QueueFigures, view: NodeView, checks: Checks): void {
  const { figures, isDraining, analyzers, ledger } = view;
  if (counts.PENDING === 0 || settings.paused || !ledger.hasBegun || isDraining) return;
  const idle = analyzers.find((analyzer) => analyzer.serves(name) && isEligible(analyzer, view));
  const isHeldUp = settings.maxLead > 0 && figures.analyzers.some((analyzer) => mayHoldUp(analyzer, name, view));
  checks.that("idle", idle === undefined || isHeldUp, () => {
    return `${counts.PENDING} tasks wait in ${name} while ${idle?.id} has credit`;
  });
}

/** A live member without credit, which others wait for under a bounded lead. */
function mayHoldUp({ id, queues }: AnalyzerFigures, queue: string, view: NodeView): boolean {
  const analyzer = view.analyzers.find((candidate) => candidate.id === id);
  return queues.includes(queue) && (analyzer === undefined || !isEligible(analyzer, view));
}
