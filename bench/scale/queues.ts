/** What many queues cost: the same tasks through one queue and through a thousand, to the same number of analyzers. */
import { type BenchCommand, COMMON_USAGE } from "../history/command.ts";
import { assertRealDisk, recordOf, Samples } from "../history/record.ts";
import { ownNumber, PAYLOAD_BYTES, Rig, sluiceSubject } from "./rig.ts";

const QUEUES = 1000;
/** What one analyzer may subscribe to. */
const QUEUES_PER_ANALYZER = 64;
const CONCURRENCY = 100;
const TASKS = 100_000;
const QUICK_TASKS = 5_000;
const REPETITIONS = 5;

export const queuesBench: BenchCommand = {
  kind: "queues",
  usage: `Usage: npm run bench:scale -- queues [options]

  --queues N     number of queues (default ${QUEUES})
${COMMON_USAGE}`,
  ownOptions: ["queues"],
  run: async ({ own, quick, repetitions = quick ? 2 : REPETITIONS }, log) => {
    if (!quick) assertRealDisk();
    const date = new Date().toISOString();
    const many = ownNumber(own, "queues", QUEUES, 100_000);
    const tasks = quick ? QUICK_TASKS : TASKS;
    const analyzers = Math.ceil(many / QUEUES_PER_ANALYZER);
    const samples = new Samples();
    const payload = new Uint8Array(PAYLOAD_BYTES);
    await using rig = await Rig.start();
    const subjects = [
      { id: "one", queues: ["one"] },
      { id: "many", queues: Array.from({ length: many }, (_, index) => `many-${index}`) },
    ];

    for (let repetition = 0; repetition <= repetitions; repetition++) {
      for (const { id, queues } of subjects) {
        log(repetition === 0 ? `warm-up: ${id}` : `repetition ${repetition} of ${repetitions}: ${id}`);
        const queueOf = (index: number): string => queues[index % queues.length] ?? "";
        const submitRate = await rig.submit(tasks, (index) => ({ queue: queueOf(index), payload }));
        const drainRate = await rig.drain(tasks, {
          queues: subscriptions(queues, analyzers),
          concurrency: CONCURRENCY,
        });
        if (repetition === 0) continue;
        samples.add({ subject: id, name: "submit, batches of 100", unit: "tasks/s", better: "higher" }, submitRate);
        samples.add({ subject: id, name: "dispatch", unit: "tasks/s", better: "higher" }, drainRate);
      }
    }
    return recordOf({
      kind: "queues",
      date,
      settings: { queues: many, analyzers, concurrency: CONCURRENCY, tasks, payloadBytes: PAYLOAD_BYTES },
      repetitions,
      subjects: [sluiceSubject("one", "1 queue"), sluiceSubject("many", `${many.toLocaleString("en-US")} queues`)],
      metrics: samples.metrics(),
      absent: [],
      notes: [`${analyzers} analyzers in both cases: one may subscribe to ${QUEUES_PER_ANALYZER} queues.`],
    });
  },
};

/** Deals queues out to analyzers; when there are fewer queues, every analyzer serves all. */
export function subscriptions(queues: readonly string[], analyzers: number): string[][] {
  if (queues.length < analyzers) return Array.from({ length: analyzers }, () => [...queues]);
  return Array.from({ length: analyzers }, (_, analyzer) =>
    queues.filter((_queue, index) => index % analyzers === analyzer),
  );
}
