/** Entry of the peers bench: `npm run bench:peers -- --help`. Exit code 0, 1 when a system failed, 2 for wrong usage. */
import { fileURLToPath } from "node:url";
import { assertRealDisk, defaultRecordPath, writeRecord } from "../history/record.ts";
import { type PeersOptions, parsePeersOptions, USAGE } from "./options.ts";
import { installPackages } from "./packages.ts";
import { FULL_PLAN, QUICK_PLAN } from "./plan.ts";
import { runSystems } from "./run.ts";
import { PEERS, type PeerSystem, selectSystems, sluiceOn } from "./systems.ts";
import { peersTable } from "./table.ts";

/** The built command line beside the built bench. */
const PROGRAM = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

async function main(args: readonly string[]): Promise<number> {
  let options: PeersOptions | undefined;
  let systems: PeerSystem[];
  try {
    options = parsePeersOptions(args);
    systems = selectSystems([sluiceOn(PROGRAM, process.execPath), ...PEERS], options?.only);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  assertRealDisk();
  if (systems.some(({ adapter }) => adapter !== "sluice")) installPackages(console.error);
  const record = await runSystems({
    kind: "peers",
    systems,
    plan: options.quick ? QUICK_PLAN : FULL_PLAN,
    repetitions: options.repetitions,
    log: console.error,
  });
  console.log(peersTable(record));
  const path = options.reportFile ?? (options.quick ? undefined : defaultRecordPath("peers", record.date));
  if (path !== undefined) {
    writeRecord(path, record);
    console.error(`written to ${path}`);
  }
  return record.absent.some(({ reason }) => reason.startsWith("failed")) ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
