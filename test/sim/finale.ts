/**
 * How a simulation ends: faults stop, some analyzers are gone for ever, the others behave. Then everything that was
 * accepted must end, nothing may be left over, and the node must stop in good order.
 */
import { isEnded } from "../../src/core/lifecycle.ts";
import type { SimAnalyzer } from "./sim-analyzer.ts";
import { idOfTask } from "./sim-task.ts";
import type { World } from "./world.ts";

/** Rounds in which those that are left must get everything done. */
const MAX_ROUNDS = 400;
/** Length of such a round. */
const ROUND_MS = 250;
/** Step of the wait in which nothing happens but heartbeats: well below every lease time. */
const SILENCE_STEP_MS = 600;
/** How often everybody answers in it. */
const ANSWERS_PER_ROUND = 4;
/** Timers that a stopped node may leave to ring into the void: those of streams that broke shortly before. */
const MAX_LEFT_TIMERS = 8;

/** Ends a world. Throws a Violation when anything is left. */
export async function endWorld(world: World): Promise<void> {
  world.note?.("-- everybody who is left behaves from now on");
  await world.calm();
  const left = survivors(world);
  await world.clock.settle();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    await world.check();
    await world.calm();
    await behave(world, left, round === 0);
    if (world.ledger.unfinished === 0 && world.clients.unsure === 0) break;
  }
  await awaitSilence(world);
  await checkNothingIsLeft(world);
  await stop(world);
}

/** Some analyzers are gone for ever; each queue keeps one at least. */
function survivors({ analyzers, scenario, random }: World): SimAnalyzer[] {
  return analyzers.filter((analyzer) => {
    const isNeeded = scenario.queues.some((queue) => {
      return analyzer.serves(queue) && analyzers.find((other) => other.serves(queue)) === analyzer;
    });
    if (isNeeded || random.chance(0.6)) return true;
    analyzer.vanish(random.chance(0.5));
    return false;
  });
}

async function behave(world: World, left: readonly SimAnalyzer[], isFirst: boolean): Promise<void> {
  const { clients, clock, node } = world;
  if (clients.unsure > 0) clients.submitAgain(node);
  for (const analyzer of left) {
    analyzer.stream?.read(true);
    if (!analyzer.isConnected || isFirst) analyzer.connect(node, true);
  }
  for (let answers = 0; answers < ANSWERS_PER_ROUND; answers++) {
    for (const analyzer of left) analyzer.behave();
    await clock.settle();
  }
  await clock.advance(ROUND_MS);
}

/** Who is silent is noticed within a lease time and a check; then no lease of anybody is left. */
async function awaitSilence(world: World): Promise<void> {
  const { leaseMs, resumeGraceMs, drainMs } = world.scenario.patience;
  for (let passedMs = 0; passedMs < leaseMs + resumeGraceMs + drainMs + 1000; passedMs += SILENCE_STEP_MS) {
    for (const analyzer of world.analyzers) if (analyzer.isConnected) analyzer.beat();
    await world.clock.advance(SILENCE_STEP_MS);
  }
  await world.check();
}

async function checkNothingIsLeft(world: World): Promise<void> {
  const { checks, ledger, clients, analyzers } = world;
  for (const { number, state } of ledger.all()) {
    checks.that("drained", state === "GONE" || isEnded(state), () => `task ${number} is ${state} in the end`);
  }
  for (const number of clients.accepted) await checkKept(number, world);
  const { leases } = (await world.node.distributor.figures("")).node;
  checks.that("bounded", leases === 0, () => `${leases} leases are left in the end`);
  for (const { id, session } of analyzers) {
    if (session?.isQuiet !== true || session.isFinished) continue;
    checks.that("receipt", session.receiptsDue === 0, () => `${id} still waits for ${session.receiptsDue} receipts`);
  }
  clients.checkWaits();
  checks.rethrow();
}

async function checkKept(number: number, { checks, ledger, node }: World): Promise<void> {
  const id = idOfTask(number);
  const record = ledger.get(id);
  const stored = await node.distributor.get(id);
  checks.that("durable", record !== undefined, () => `accepted task ${number} was never stored`);
  if (record === undefined) return;
  if (stored === undefined) {
    ledger.missing(record);
    return;
  }
  const isSame = stored.state === record.state && stored.attempts === record.attempts;
  checks.that("durable", isSame, () => `task ${number} is stored as ${stored.state}, not ${record.state}`);
}

/** A clean stop, after which a start need not wait for anybody. */
async function stop(world: World): Promise<void> {
  const { checks, clock, node, scenario } = world;
  world.drain();
  await clock.advance(scenario.patience.drainMs + 1000);
  checks.that("drained", node.isClosed, () => "the node does not stop");
  checks.that("bounded", node.life.pendingTimers <= MAX_LEFT_TIMERS, () => {
    return `${node.life.pendingTimers} timers outlive the node`;
  });
  checks.rethrow();
  await world.check();
}
