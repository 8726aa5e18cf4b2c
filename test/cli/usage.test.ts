import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runInProcess } from "./in-process.ts";
import { Workshop } from "./program.ts";

const DEADLINE_MS = 60_000;
let workshop: Workshop;

beforeAll(() => {
  workshop = new Workshop();
});

afterAll(() => workshop[Symbol.asyncDispose]());

describe("the command line", { timeout: DEADLINE_MS }, () => {
  it("has help with examples for every command", async () => {
    const { status, out } = await workshop.run(["--help"]);
    expect(status).toBe(0);
    for (const command of [
      "serve",
      "demo",
      "submit",
      "dispatch",
      "work",
      "top",
      "stats",
      "tasks",
      "queues",
      "analyzers",
      "explain",
      "node",
      "config",
    ]) {
      expect(out).toMatch(new RegExp(`^  ${command}\\b`, "m"));
      const help = await runInProcess([command, "--help"]);
      expect(help.status).toBe(0);
      expect(help.out).toContain("Examples:");
    }
  });

  it.each([
    [["sbumit"], "Did you mean submit?"],
    [["submit", "--queu", "q"], "Did you mean --queue?"],
    [["submit"], "one of --payload, --file, --lines, --random"],
    [["work", "--queue", "q"], "one of --exec, --handlers"],
    [["work", "--queue", "q", "--weight", "0", "--exec", "cat"], "Expected a number greater than 0"],
    [["stats", "--address", "localhost"], "write HOST:PORT"],
    [["tasks", "cancel"], "name the tasks"],
    [["serve", "--port", "many"], "--port is 'many', expected 0 to 65535"],
    [["demo", "--weights", "1,x"], "Expected a number greater than 0"],
    [["demo", "--interactive", "--json"], "--json does not go with --interactive"],
    [["dispatch", "gone.yaml"], "cannot read gone.yaml: ENOENT"],
    [["top", "--interval", "5ms"], "Expected 100ms to 1h"],
    [["queues", "set", "q"], "say what to set"],
    [["queues", "set", "q", "--paused", "maybe"], "Expected yes or no"],
    [["node", "drain", "--address", "a:1,b:2"], "name one node"],
    [[], "Usage: sluice"],
  ])("refuses %j with status 2 and a hint", async (args, hint) => {
    const { status, err } = await runInProcess(args);
    expect(status).toBe(2);
    expect(err).toContain(hint);
  });

  it("ends the process with the status of the command", async () => {
    expect((await workshop.run(["sbumit"])).status).toBe(2);
  });

  it("says where each value of the configuration comes from", async () => {
    writeFileSync(join(workshop.directory, "node.yaml"), "leaseMs: 10s\nport: 1\n");
    const { out } = await runInProcess(["config", "--json", "--config", "node.yaml", "--port", "3"], {
      env: { SLUICE_PORT: "2" },
      directory: workshop.directory,
    });
    expect(JSON.parse(out)).toMatchObject({
      port: { value: 3, from: "--port" },
      leaseMs: { value: 10_000, from: "node.yaml" },
      host: { value: "127.0.0.1", from: "default" },
    });
  });

  it("says soon that no node answers", async () => {
    const { status, err } = await workshop.run(["stats", "--address", "127.0.0.1:1"]);
    expect(status).toBe(1);
    expect(err).toBe("error: no node at 127.0.0.1:1; start one with 'sluice serve', or name another with --address\n");
  });
});
