/**
 * All systems, several times, in turns: first repetition of each, second of each, and so on, so that whatever else the
 * machine does in the meantime falls on all of them alike.
 */
import { type Absence, type RunRecord, recordOf, Samples, type Subject } from "../history/record.ts";
import { clientVersion } from "./packages.ts";
import type { Plan } from "./plan.ts";
import { type Repetition, repeat } from "./repetition.ts";
import { NotInstalledError } from "./servers/server.ts";
import type { PeerSystem } from "./systems.ts";

/** What to run. */
export interface RunRequest {
  readonly kind: string;
  readonly systems: readonly PeerSystem[];
  readonly plan: Plan;
  readonly repetitions: number;
  /** Told what is going on, a line at a time. */
  readonly log: (line: string) => void;
  /** Measures a system once. */
  readonly measure?: typeof repeat;
}

/** Runs it. A system that is not installed, or that fails, is named in the record, with the reason, and left out from then on. */
export async function runSystems(request: RunRequest): Promise<RunRecord> {
  const { kind, systems, plan, repetitions, log, measure = repeat } = request;
  const date = new Date().toISOString();
  const samples = new Samples();
  const subjects = new Map<string, Subject>();
  const absent = new Map<string, Absence>();
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    for (const system of systems) {
      if (absent.has(system.id)) continue;
      log(`repetition ${repetition} of ${repetitions}: ${system.label}`);
      try {
        const measured = await measure(system, plan);
        subjects.set(system.id, subjectOf(system, measured.serverVersion));
        for (const { value, ...metric } of measured.figures) samples.add({ subject: system.id, ...metric }, value);
        log(`  ${inShort(measured)}`);
      } catch (error) {
        const reason = reasonOf(error);
        log(`  ${reason}`);
        absent.set(system.id, { subject: system.id, label: system.label, reason: firstLine(reason) });
      }
    }
  }
  return recordOf({
    kind,
    date,
    settings: { ...plan },
    repetitions,
    subjects: [...subjects.values()],
    metrics: samples.metrics(),
    absent: [...absent.values()],
    notes: [],
  });
}

function subjectOf(system: PeerSystem, serverVersion: string): Subject {
  const { id, label, durability, syncsBeforeAnswer, clientPackage } = system;
  const client =
    clientPackage === "" ? "a client of the bench's own" : `${clientPackage} ${clientVersion(clientPackage)}`;
  return { id, label, durability, syncsBeforeAnswer, version: `${serverVersion}, ${client}` };
}

function inShort({ figures }: Repetition): string {
  return figures
    .filter(({ unit }) => unit === "tasks/s" || unit === "ms")
    .map(({ name, value, unit }) => `${name} ${unit === "ms" ? value.toFixed(2) : Math.round(value)}`)
    .join(", ");
}

function reasonOf(error: unknown): string {
  if (error instanceof NotInstalledError) return error.message;
  return `failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
