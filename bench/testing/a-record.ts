/** Records of made-up runs, for tests. */
import { FIGURES } from "../history/figures.ts";
import { type RunRecord, Samples, type Subject } from "../history/record.ts";

/** A record with these samples of the figure "steady" of Sluice, and a peer without figures. */
export function aRecord(samples: readonly number[], changes: Partial<RunRecord> = {}): RunRecord {
  const collected = new Samples();
  for (const sample of samples) {
    collected.add({ subject: "sluice", name: FIGURES.steady, unit: "tasks/s", better: "higher" }, sample);
  }
  return {
    format: 1,
    kind: "peers",
    date: "2026-01-31T12:00:00.000Z",
    environment: {
      commit: "0123456789ab",
      cpu: "Cpu",
      cores: 2,
      memoryGiB: 4,
      node: "v24.0.0",
      platform: "linux x64",
      filesystem: "ext4",
    },
    settings: { payloadBytes: 256 },
    repetitions: samples.length,
    subjects: [aSubject("sluice", true), aSubject("peer", false)],
    metrics: collected.metrics(),
    absent: [{ subject: "gone", label: "Gone", reason: "not installed: apt install gone" }],
    notes: [],
    ...changes,
  };
}

/** Something that was measured. */
export function aSubject(id: string, syncsBeforeAnswer: boolean): Subject {
  return { id, label: `The <${id}>`, version: "1.0", durability: "on paper", syncsBeforeAnswer };
}
