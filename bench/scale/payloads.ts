/** What large payloads cost: rates with payloads from 16 bytes to the largest that a node takes by default. */
import { type BenchCommand, COMMON_USAGE } from "../history/command.ts";
import { assertRealDisk, recordOf, Samples } from "../history/record.ts";
import { fourAnalyzers, Rig, sluiceSubject } from "./rig.ts";

const SIZES = [
  { bytes: 16, label: "16 bytes" },
  { bytes: 256, label: "256 bytes" },
  { bytes: 4096, label: "4 KiB" },
  { bytes: 65_536, label: "64 KiB" },
  { bytes: 1_048_576, label: "1 MiB" },
];
/** Of each size, this many tasks or this many bytes in all, whichever is less. */
const MOST_TASKS = 100_000;
const MOST_BYTES = 256 * 1024 ** 2;
const QUICK_PART = 20;
const REPETITIONS = 5;

export const payloadsBench: BenchCommand = {
  kind: "payloads",
  usage: `Usage: npm run bench:scale -- payloads [options]\n\n${COMMON_USAGE}`,
  run: async ({ quick, repetitions = quick ? 2 : REPETITIONS }, log) => {
    if (!quick) assertRealDisk();
    const date = new Date().toISOString();
    const part = quick ? QUICK_PART : 1;
    const samples = new Samples();
    await using rig = await Rig.start();
    for (let repetition = 0; repetition <= repetitions; repetition++) {
      for (const { bytes, label } of SIZES) {
        log(repetition === 0 ? `warm-up: ${label}` : `repetition ${repetition} of ${repetitions}: ${label}`);
        const queue = `size-${bytes}`;
        const task = { queue, payload: new Uint8Array(bytes).fill(7) };
        const count = Math.ceil(tasksOf(bytes) / part);
        const rates = {
          submit: await rig.submit(count, () => task),
          dispatch: await rig.drain(count, fourAnalyzers(queue)),
        };
        if (repetition === 0) continue;
        for (const [name, rate] of Object.entries(rates)) {
          const subject = String(bytes);
          samples.add({ subject, name, unit: "tasks/s", better: "higher" }, rate);
          samples.add(
            { subject, name: `${name}, payload`, unit: "MiB/s", better: "higher" },
            (rate * bytes) / 1024 ** 2,
          );
        }
      }
    }
    return recordOf({
      kind: "payloads",
      date,
      settings: { mostTasks: MOST_TASKS / part, mostBytes: MOST_BYTES / part },
      repetitions,
      subjects: SIZES.map(({ bytes, label }) => sluiceSubject(String(bytes), label)),
      metrics: samples.metrics(),
      absent: [],
      notes: [],
    });
  },
};

/** How many tasks of a size are submitted. */
export function tasksOf(payloadBytes: number): number {
  return Math.min(MOST_TASKS, Math.floor(MOST_BYTES / payloadBytes));
}
