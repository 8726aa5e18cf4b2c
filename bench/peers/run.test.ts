/** Systems in turns, and what becomes of those that cannot be measured. */
import { expect, test } from "vitest";
import { QUICK_PLAN } from "./plan.ts";
import type { Repetition } from "./repetition.ts";
import { runSystems } from "./run.ts";
import { NotInstalledError } from "./servers/server.ts";
import { PEERS, type PeerSystem, selectSystems } from "./systems.ts";

const systems = ["a", "b", "c"].map(
  (id): PeerSystem => ({
    id,
    label: id.toUpperCase(),
    adapter: "none",
    clientPackage: "",
    durability: "on paper",
    syncsBeforeAnswer: false,
    start: () => Promise.reject(new Error("not used")),
  }),
);

const measured = (value: number): Repetition => ({
  serverVersion: "1",
  figures: [{ name: "rate", unit: "tasks/s", better: "higher", value }],
});

function request(measure: (system: PeerSystem) => Promise<Repetition>) {
  return { kind: "peers", systems, plan: QUICK_PLAN, repetitions: 2, log: () => {}, measure };
}

test("repetitions go round the systems, and each sample goes to its own", async () => {
  const order: string[] = [];
  const record = await runSystems(
    request(async ({ id }) => {
      order.push(id);
      return measured(order.length);
    }),
  );
  expect(order.join("")).toBe("abcabc");
  expect(record.metrics.map(({ subject, samples }) => [subject, samples])).toEqual([
    ["a", [1, 4]],
    ["b", [2, 5]],
    ["c", [3, 6]],
  ]);
  expect(record.settings).toEqual(QUICK_PLAN);
});

test("a system that is not installed, or that fails, is named with the reason, and the others go on", async () => {
  const order: string[] = [];
  const record = await runSystems(
    request(async ({ id }) => {
      order.push(id);
      if (id === "a") throw new NotInstalledError("not installed: apt install a");
      if (id === "b") throw new Error("it broke");
      return measured(1);
    }),
  );
  expect(order.join("")).toBe("abcc");
  expect(record.absent).toEqual([
    { subject: "a", label: "A", reason: "not installed: apt install a" },
    { subject: "b", label: "B", reason: expect.stringMatching(/^failed: Error: it broke$/) },
  ]);
  expect(record.subjects.map(({ id }) => id)).toEqual(["c"]);
});

test("systems are selected by their names or the first part of it", () => {
  const ids = (names: readonly string[]) => selectSystems(PEERS, names).map(({ id }) => id);
  expect(ids(["beanstalkd"])).toEqual(["beanstalkd-f0", "beanstalkd-f50"]);
  expect(ids(["pg-boss", "nats-always"])).toEqual(["nats-always", "pg-boss"]);
  expect(() => ids(["rabbit"])).toThrow(/no system rabbit: name some of rabbitmq-quorum, /);
  expect(selectSystems(PEERS, undefined)).toHaveLength(PEERS.length);
});

test("every system says what its answer is worth", () => {
  for (const { durability, label } of PEERS) expect(durability, label).toMatch(/fsync/);
});
