/**
 * A node of our own to measure: the built program as a child process, with its data in a temporary folder.
 *
 *  P1  The child never outlives a run: `stop` ends it in order, or kills it when it takes too long; it holds an IPC
 *      channel, so that it stops by itself when the bench dies.
 *  P2  Its data folder is removed when it has ended.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cpuMsOf } from "./cpu.ts";

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 15_000;
/** As the program is started by its own first line, and in the container. */
const NODE_FLAGS = ["--max-semi-space-size=64"];
/** Lines of log kept to explain a failure. */
const KEPT_LINES = 20;

/** A running node. */
export interface NodeProcess {
  /** host:port. */
  readonly address: string;
  /** Processor time it has used, in milliseconds; undefined where it cannot be told. */
  cpuMs(): number | undefined;
  /** Ends it and removes its data. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a node and waits until it takes calls.
 *
 * @param program path of the built command line
 * @param store kind of its store
 */
export async function startNodeProcess(program: string, store: string): Promise<NodeProcess> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  const args = ["serve", "--port", "0", "--store", store, "--data-dir", join(folder, "data"), "--log-format", "json"];
  const child = spawn(process.execPath, [...NODE_FLAGS, program, ...args], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= endProcess(child, exited).finally(() => rmSync(folder, { recursive: true, force: true }));
    return stopping;
  };
  try {
    const port = await startedPort(child);
    return {
      address: `127.0.0.1:${port}`,
      cpuMs: () => (child.pid === undefined ? undefined : cpuMsOf(child.pid)),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The port in the log line `node.started`. Rejects with the last lines when the node ends or is silent instead. */
function startedPort(child: ChildProcess): Promise<number> {
  const lines: string[] = [];
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => reject(new Error([`the node ${reason}`, ...lines].join("\n")));
    const timer = setTimeout(() => fail(`did not start within ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS);
    child.once("error", (error) => fail(`could not be run: ${error.message}`));
    child.once("close", (code) => {
      clearTimeout(timer);
      fail(`ended with status ${code} before it took calls`);
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        if (lines.length > KEPT_LINES) lines.shift();
        const port = portOf(line);
        if (port === undefined) return;
        clearTimeout(timer);
        resolve(port);
      });
    }
  });
}

/** The port that a line of the node's log names, if it is the one that says that the node takes calls. */
export function portOf(line: string): number | undefined {
  if (!line.startsWith("{")) return undefined;
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof entry !== "object" || entry === null || !("event" in entry) || entry.event !== "node.started") {
    return undefined;
  }
  return "port" in entry && typeof entry.port === "number" ? entry.port : undefined;
}

async function endProcess(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}
