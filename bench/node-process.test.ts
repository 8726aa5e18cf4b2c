/** Starting a node as a child, and reading what the system and its log say. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { cpuMsOf, parseCpuMs } from "./cpu.ts";
import { portOf, startNodeProcess } from "./node-process.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a stand-in for the built program. */
function program(name: string, body: string): string {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, body);
  return path;
}

test("the port is taken from the line that says that the node takes calls", () => {
  expect(portOf('{"level":"info","event":"node.started","port":4711}')).toBe(4711);
  expect(portOf('{"level":"info","event":"dispatch.begun","port":1}')).toBeUndefined();
  expect(portOf("node.started on port 4711")).toBeUndefined();
  expect(portOf('{"event":"node.st')).toBeUndefined();
});

test("a node is started, measured and stopped in order", async () => {
  const started = `console.log(JSON.stringify({ event: "node.started", port: 4711 }));`;
  const path = program("good", `process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1000); ${started}`);
  const node = await startNodeProcess(path, "memory");
  expect(node.address).toBe("127.0.0.1:4711");
  if (process.platform === "linux") expect(node.cpuMs()).toBeGreaterThanOrEqual(0);
  await node.stop();
  await node.stop();
  expect(node.cpuMs()).toBeUndefined();
});

test("a node that cannot start is explained with its last lines", async () => {
  const path = program("bad", `console.error("port 7070 is taken"); process.exit(1);`);
  await expect(startNodeProcess(path, "lmdb")).rejects.toThrow(/status 1 .*\nport 7070 is taken/);
});

test("processor time is read behind a name with spaces and brackets", () => {
  const stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 11 0 100 0 0";
  expect(parseCpuMs(stat)).toBe(3000);
  expect(parseCpuMs("nonsense")).toBeUndefined();
});

test("processor time of a process that is not there cannot be told", () => {
  expect(cpuMsOf(2 ** 30)).toBeUndefined();
});
