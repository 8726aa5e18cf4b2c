/**
 * A client process of the fault tests: see `protocol.ts`. It ends when its input ends, so it never outlives its parent.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { Crew } from "./crew.ts";
import { Emission } from "./emission.ts";
import type { ClientCommand, ClientLine, ClientRole, CrewRole } from "./protocol.ts";
import { separateConnections, tapWorkStreams } from "./tap.ts";

const WATCH_MS = 100;
/** A third of the shortest lease that can be set: heartbeats are due that often. */
const STALL_MS = 330;

/** Pipes are written at once on the systems that these tests run on, so a kill -9 loses nothing that was told. */
function tell(line: ClientLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function start(role: ClientRole): Crew | Emission {
  if (role.role === "emitter") return new Emission(role, tell);
  tapWorkStreams(tell);
  if (role.ownConnections) separateConnections();
  watchStalls(role.analyzers);
  const crew = new Crew(role, tell);
  crew.start();
  return crew;
}

/** Tells when this process stood still by itself, as on a machine with too little processor: the node may blame it then. */
function watchStalls(analyzers: CrewRole["analyzers"]): void {
  let lastMs = Date.now();
  setInterval(() => {
    const nowMs = Date.now();
    const isStall = nowMs - lastMs > STALL_MS;
    for (const { id } of isStall ? analyzers : []) {
      tell({ kind: "fault", atMs: lastMs, fault: "analyzer paused", target: id, untilMs: nowMs + STALL_MS });
    }
    lastMs = nowMs;
  }, WATCH_MS);
}

async function obey(client: Crew | Emission, command: ClientCommand): Promise<void> {
  if (command.do === "close") {
    await client.close();
    process.exit(0);
  }
  if (!(client instanceof Emission)) return;
  if (command.do === "pace") client.setPace(command.perSecond);
  else {
    await client.flush();
    tell({ kind: "flushed" });
  }
}

const client = start(JSON.parse(process.argv[2] ?? ""));
createInterface({ input: process.stdin })
  .on("line", (line) => void obey(client, JSON.parse(line)))
  .on("close", () => process.exit(0));
