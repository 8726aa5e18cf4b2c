/**
 * A node of our own to measure: the built program as a child process, with its data in a temporary folder.
 *
 *  P1  The child never outlives a run: `stop` ends it in order, or kills it when it takes too long; it holds an IPC
 *      channel, so that it stops by itself when the bench dies.
 *  P2  A data folder that was made here is removed when it has ended; one that was given stays.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cpuMsOf, type Memory, memoryOf } from "./cpu.ts";

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
  /** Memory it uses; undefined where it cannot be told. */
  memory(): Memory | undefined;
  /** Ends it, and removes its data if the folder is its own. Idempotent. */
  stop(): Promise<void>;
  /** Ends it without a warning, as a crash would. */
  kill(): Promise<void>;
}

/** How a node is run. */
export interface NodeProcessOptions {
  /** Node.js to run it on. Default: that of the bench. */
  readonly execPath?: string;
  /** Where its data goes and stays. Default: a temporary folder of its own. */
  readonly dataFolder?: string;
  /** Further options of `sluice serve`. */
  readonly serveOptions?: readonly string[];
}

/**
 * Starts a node and waits until it takes calls.
 *
 * @param program path of the built command line
 * @param store kind of its store
 */
export async function startNodeProcess(
  program: string,
  store: string,
  options: NodeProcessOptions = {},
): Promise<NodeProcess> {
  const folder = options.dataFolder ?? mkdtempSync(join(tmpdir(), "sluice-bench-"));
  const args = ["serve", "--port", "0", "--store", store, "--data-dir", join(folder, "data"), "--log-format", "json"];
  const nodeArgs = [...NODE_FLAGS, program, ...args, ...(options.serveOptions ?? [])];
  const child = spawn(options.execPath ?? process.execPath, nodeArgs, {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    // A node that runs on this machine may have the port. To measure with HTTP and its metrics, set the variable.
    env: { SLUICE_HTTP_LISTEN: "off", ...process.env },
  });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const removeFolder = (): void => {
    if (options.dataFolder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= endProcess(child, exited).finally(removeFolder);
    return stopping;
  };
  const kill = (): Promise<void> => {
    child.kill("SIGKILL");
    stopping ??= exited.finally(removeFolder);
    return stopping;
  };
  try {
    const port = await startedPort(child);
    const { pid } = child;
    return {
      address: `127.0.0.1:${port}`,
      cpuMs: () => (pid === undefined ? undefined : cpuMsOf(pid)),
      memory: () => (pid === undefined ? undefined : memoryOf(pid)),
      stop,
      kill,
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
