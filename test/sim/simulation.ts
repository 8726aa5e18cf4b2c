/**
 * The deterministic simulation: the real engine and core on a virtual clock, a disk that takes its time, fails and loses
 * what was not committed, analyzers and clients that misbehave. After every step the promises are checked
 * (`violation.ts`); in the end everything must have ended. The same seed gives the same run.
 */
import { act } from "./actions.ts";
import { endWorld } from "./finale.ts";
import type { ActionName } from "./scenario.ts";
import { Tally } from "./tally.ts";
import { Violation } from "./violation.ts";
import { type Note, World } from "./world.ts";

/** Steps of a run: enough for a few crashes and drains. */
export const DEFAULT_STEPS = 150;

/** What happened in a run. */
export interface SimulationReport {
  readonly seed: number;
  readonly steps: number;
  /** Tasks that were answered OK. */
  readonly accepted: number;
  readonly deliveries: number;
  /** Steps by what was done. */
  readonly actions: Readonly<Record<string, number>>;
  /** Checks made, by promise. */
  readonly checks: Readonly<Record<string, number>>;
  /** What came of it, such as adopted leases and lost analyzers. */
  readonly events: Readonly<Record<string, number>>;
}

/** Runs one seed. Throws a Violation when a promise is broken. */
export async function simulate(seed: number, steps = DEFAULT_STEPS): Promise<SimulationReport> {
  return run(seed, steps, undefined);
}

/** Runs one seed and writes down what happens. */
export async function trace(seed: number, steps = DEFAULT_STEPS): Promise<{ lines: string[]; violation?: Violation }> {
  const lines: string[] = [];
  try {
    await run(seed, steps, (line) => lines.push(line));
    return { lines };
  } catch (error) {
    if (error instanceof Violation) return { lines, violation: error };
    throw error;
  }
}

async function run(seed: number, steps: number, note: Note | undefined): Promise<SimulationReport> {
  const world = new World(seed, note);
  const actions = new Tally();
  try {
    await world.begin();
    for (let step = 0; step < steps; step++) {
      const name = drawAction(world);
      note?.(`-- ${world.clock.monotonicMs} ms: ${name}`);
      actions.add(name);
      await act(name, world);
      await world.clock.settle();
      await world.check();
    }
    await endWorld(world);
  } catch (error) {
    // What is thrown in a turn or a timer would be the end of a real process.
    if (error instanceof Violation) throw error;
    throw new Violation("fault", error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const { clients, deliveries, checks, events } = world;
  const accepted = clients.accepted.length;
  return { seed, steps, accepted, deliveries, actions: actions.counts, checks: checks.made, events: events.counts };
}

function drawAction({ scenario: { odds }, random }: World): ActionName {
  let dice = random.unit() * odds.reduce((sum, [, each]) => sum + each, 0);
  for (const [name, each] of odds) {
    dice -= each;
    if (dice < 0) return name;
  }
  return "advance";
}
