/** Entry of the peers bench: `npm run bench:peers -- --help`. */
import { fileURLToPath } from "node:url";
import { type BenchCommand, benchCommand, COMMON_USAGE, UsageError } from "../history/command.ts";
import { assertRealDisk } from "../history/record.ts";
import { installPackages } from "./packages.ts";
import { FULL_PLAN, QUICK_PLAN } from "./plan.ts";
import { runSystems } from "./run.ts";
import { PEERS, type PeerSystem, selectSystems, sluiceOn } from "./systems.ts";

/** The built command line beside the built bench. */
const PROGRAM = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const SYSTEMS = [sluiceOn(PROGRAM, process.execPath), ...PEERS];
const REPETITIONS = 3;

const command: BenchCommand = {
  kind: "peers",
  usage: `Usage: npm run bench:peers -- [options]

  --only LIST    systems, by name or first part of it: sluice,beanstalkd,rabbitmq-quorum (default: all)
${COMMON_USAGE}

Servers come from your distribution (apt install redis-server rabbitmq-server beanstalkd nats-server postgresql); those
that are missing are named and left out. SLUICE_BENCH_NATS_SERVER=PATH and the like name another program. Data goes to
TMPDIR, which must be on a disk. Client libraries are installed by npm on first use.`,
  ownOptions: ["only"],
  run: async ({ own, quick, repetitions }, log) => {
    const systems = selected(own["only"]);
    if (!quick) assertRealDisk();
    if (systems.some(({ adapter }) => adapter !== "sluice")) installPackages(log);
    return await runSystems({
      kind: "peers",
      systems,
      plan: quick ? QUICK_PLAN : FULL_PLAN,
      repetitions: repetitions ?? (quick ? 1 : REPETITIONS),
      log,
    });
  },
};

function selected(only: string | undefined): PeerSystem[] {
  try {
    return selectSystems(
      SYSTEMS,
      only?.split(",").map((name) => name.trim()),
    );
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

process.exitCode = await benchCommand(command, process.argv.slice(2));
