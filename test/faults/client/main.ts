/**
 * A client process of the fault tests: see `protocol.ts`. It ends when its input ends, so it never outlives its parent.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { Crew } from "./crew.ts";
import { Emission } from "./emission.ts";
import type { ClientCommand, ClientLine, ClientRole } from "./protocol.ts";
import { separateConnections, tapWorkStreams } from "./tap.ts";

/** Pipes are written at once on the systems that these tests run on, so a kill -9 loses nothing that was told. */
function tell(line: ClientLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function start(role: ClientRole): Crew | Emission {
  if (role.role === "emitter") return new Emission(role, tell);
  tapWorkStreams(tell);
  if (role.ownConnections) separateConnections();
  const crew = new Crew(role, tell);
  crew.start();
  return crew;
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
