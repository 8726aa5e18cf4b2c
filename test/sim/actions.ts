/**
 * What can happen in one step of a simulation: to analyzers, to clients, to the disk, to the process, to time.
 */
import { SluiceError } from "../../src/core/errors.ts";
import { type ActionName, drawPolicy } from "./scenario.ts";
import type { SimAnalyzer } from "./sim-analyzer.ts";
import type { World } from "./world.ts";

type Action = (world: World) => Promise<void> | void;

/** Effects after which an ordered death comes at the latest is not bounded: it waits for the next effect. */
const MAX_EFFECTS_BEFORE_DEATH = 25;

/** Lets one thing happen. */
export function act(name: ActionName, world: World): Promise<void> | void {
  return ACTIONS[name](world);
}

function someone(world: World, then: (analyzer: SimAnalyzer) => void): void {
  const analyzer = world.random.pick(world.analyzers);
  if (analyzer === undefined) return;
  world.note?.(`   ${analyzer.id}`);
  then(analyzer);
}

const ACTIONS: Readonly<Record<ActionName, Action>> = {
  submit: (world) => world.clients.submit(world.node, world.clock.wallMs),
  "submit again": (world) => world.clients.submitAgain(world.node),
  act: (world) => someone(world, (analyzer) => analyzer.act()),
  uplink: (world) => someone(world, (analyzer) => analyzer.stream?.deliverUplink()),
  commit: (world) => world.node.store.commit(world.random.int(1, 4)),
  claim: (world) => world.node.store.claimOne(world.random.int(0, Math.max(0, world.node.store.pendingClaims - 1))),
  connect,
  advance,
  vanish: (world) => someone(world, (analyzer) => analyzer.vanish(true)),
  partition: (world) => someone(world, (analyzer) => analyzer.vanish(false)),
  "break noticed": (world) => someone(world, (analyzer) => analyzer.tidyUp()),
  leave: (world) => someone(world, (analyzer) => analyzer.leave()),
  stall: (world) => someone(world, (analyzer) => stall(analyzer, true)),
  wake: (world) => someone(world, (analyzer) => stall(analyzer, false)),
  "stop reading": (world) => someone(world, (analyzer) => analyzer.stream?.read(false)),
  read: (world) => someone(world, (analyzer) => analyzer.stream?.read(true)),
  "huge credit": (world) => someone(world, (analyzer) => analyzer.misbehave("huge credit", world.node, 0)),
  "second hello": (world) => someone(world, (analyzer) => analyzer.misbehave("second hello", world.node, 0)),
  "no hello": (world) => someone(world, (analyzer) => analyzer.misbehave("no hello", world.node, 0)),
  flood: (world) => someone(world, (analyzer) => analyzer.misbehave("flood", world.node, 0)),
  "foreign lease": foreignLease,
  cancel: (world) => world.clients.cancel(world.node),
  redrive: (world) => world.clients.redrive(world.node),
  purge: (world) => world.clients.purge(world.node),
  wait: (world) => world.clients.wait(world.node),
  look: (world) => world.clients.look(world.node),
  "node pause": nodePause,
  "wall clock jump": (world) => {
    world.clock.wallOffsetMs += world.random.int(-5000, 5000);
  },
  crash: (world) => world.node.life.endAfter(world.random.int(0, MAX_EFFECTS_BEFORE_DEATH)),
  "disk failure": (world) => world.node.store.fail(),
  "drain and restart": (world) => world.drain(),
  "drain analyzer": drainAnalyzer,
  weight,
  "pause or resume": pauseOrResume,
  policy,
};

function stall(analyzer: SimAnalyzer, isStalled: boolean): void {
  analyzer.isStalled = isStalled;
}

function connect(world: World): void {
  const away = world.analyzers.filter(({ isConnected, isStalled }) => !isConnected || isStalled);
  // A connected one says hello again on a new stream: its old one is half open.
  const analyzer = world.random.pick(away.length > 0 ? away : world.analyzers);
  if (analyzer === undefined) return;
  world.note?.(`   ${analyzer.id}`);
  analyzer.isStalled = false;
  analyzer.connect(world.node, world.random.chance(0.6));
}

/** Time passes, in which everybody who is not stalled sends heartbeats. */
function advance(world: World): Promise<void> {
  for (const analyzer of world.analyzers) analyzer.beat();
  return world.clock.advance(world.random.int(1, 400));
}

/** The process was stopped for a while, longer than every lease; what was due rings as soon as it goes on. */
function nodePause(world: World): Promise<void> {
  for (const analyzer of world.analyzers) analyzer.beat();
  world.clock.pause(world.random.int(1000, 60_000));
  return world.clock.advance(0);
}

/** A result or release for a lease that another one holds, or held, or that never was. */
function foreignLease(world: World): void {
  someone(world, (analyzer) => {
    const others = world.analyzers.filter((other) => other !== analyzer).flatMap(({ holding }) => holding);
    const foreign = world.random.pick(others) ?? 2 ** 40 + world.random.int(0, 9);
    if (!analyzer.holding.includes(foreign)) analyzer.misbehave("foreign lease", world.node, foreign);
  });
}

/** An operator's request about an analyzer: it may be gone, and is told so. */
function ask(world: World, analyzer: SimAnalyzer, request: () => void): void {
  try {
    request();
  } catch (error) {
    const isExpected = error instanceof SluiceError && analyzer.session?.isAttached !== true;
    world.checks.that("fault", isExpected || world.node.life.isOver, () => `an operator was refused: ${error}`);
  }
}

function drainAnalyzer(world: World): void {
  someone(world, (analyzer) => {
    ask(world, analyzer, () => {
      world.node.distributor.drainAnalyzer(analyzer.id);
      if (analyzer.session?.isDrained === true) return;
      analyzer.session?.drain();
      world.leases.reach(analyzer.id).drainedMs = world.clock.monotonicMs;
    });
  });
}

function weight(world: World): void {
  someone(world, (analyzer) => {
    const to = world.random.pick([0.1, 0.5, 1, 2, 5]) ?? 1;
    ask(world, analyzer, () => {
      const { maxInFlight } = world.node.distributor.setWeight(analyzer.id, to);
      analyzer.weighed(to, maxInFlight);
    });
  });
}

function pauseOrResume(world: World): void {
  const queue = world.random.pick(world.scenario.queues) ?? "q0";
  const paused = world.random.chance(0.5);
  // Until it is confirmed, either may hold.
  if (!paused) world.ledger.paused.delete(queue);
  world.clients.configure(world.node, queue, { paused }, () => {
    if (paused) world.ledger.paused.add(queue);
    else world.ledger.paused.delete(queue);
  });
}

function policy(world: World): void {
  const queue = world.random.pick(world.scenario.queues) ?? "q0";
  const change = drawPolicy(world.random);
  world.watches.get(queue)?.widen(change);
  world.clients.configure(world.node, queue, change, () => {});
}
