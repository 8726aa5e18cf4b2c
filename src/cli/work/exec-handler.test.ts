import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { type HandlerContext, HandlerError, ReceivedTask } from "@sluice/client";
import { TaskSpecSchema } from "@sluice/client/contract";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { execHandler } from "./exec-handler.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-exec-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function task(payload: string): ReceivedTask {
  const attributes = { tenant: "acme", note: 'it\'s 50% "off"' };
  const spec = { id: "0190-task", queue: "logs", type: "log", payload: Buffer.from(payload), attributes };
  return new ReceivedTask(create(TaskSpecSchema, spec));
}

function context(signal = new AbortController().signal): HandlerContext {
  return { signal, attempt: 2, lease: 7n, traceContext: { traceparent: "00-1-2-01" }, progress: () => {} };
}

async function output(command: string, payload = ""): Promise<string> {
  const result = await execHandler(command).handler(task(payload), context());
  if (!(result instanceof Uint8Array)) throw new Error("no output");
  return Buffer.from(result).toString();
}

async function failureOf(command: string, payload = ""): Promise<HandlerError> {
  const run = Promise.resolve(execHandler(command).handler(task(payload), context()));
  return run.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => {
      if (error instanceof HandlerError) return error;
      throw error;
    },
  );
}

describe("a program run for a task", () => {
  it("X1: gets the payload as its input and returns its output", async () => {
    expect(await output("tr a-z A-Z", "disk full")).toBe("DISK FULL");
  });

  it("X1: passes bytes on as they are", async () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index % 256);
    const spec = create(TaskSpecSchema, { id: "0190-task", payload: bytes });
    const result = await execHandler("cat").handler(new ReceivedTask(spec), context());
    expect(Buffer.compare(Buffer.from(bytes), result instanceof Uint8Array ? result : Buffer.alloc(0))).toBe(0);
  });

  it("is told of its task in the environment", async () => {
    const names = ["TASK_ID", "QUEUE", "TYPE", "ATTEMPT", "ATTRIBUTES"].map((name) => `"$SLUICE_${name}"`);
    const lines = (await output(`printf '%s\\n' ${names.join(" ")}`)).trim().split("\n");
    expect(lines.slice(0, 4)).toEqual(["0190-task", "logs", "log", "2"]);
    expect(JSON.parse(lines[4] ?? "")).toEqual({ tenant: "acme", note: 'it\'s 50% "off"' });
  });

  it("may leave its input unread", async () => {
    expect(await output("echo done", "x".repeat(1_000_000))).toBe("done\n");
  });

  it("without output has no result", async () => {
    expect(await execHandler("true").handler(task(""), context())).toBeUndefined();
  });

  it("X2: fails the attempt by its exit status, with the end of its error output", async () => {
    const error = await failureOf("yes noise | head -c 100000 >&2; echo 'table is locked' >&2; exit 3");
    expect(error).toMatchObject({ code: "EXIT_STATUS", nonRetryable: false });
    expect(error.message).toMatch(/^exit status 3: /);
    expect(error.message).toMatch(/table is locked$/);
    expect(Buffer.byteLength(error.message)).toBeLessThan(4096);
  });

  it("X2: fails for good with status 65", async () => {
    expect(await failureOf("exit 65")).toMatchObject({ message: "exit status 65", nonRetryable: true });
  });

  it("X2: fails the attempt when there is no such program", async () => {
    const error = await failureOf("no-such-program-here");
    expect(error).toMatchObject({ code: "EXIT_STATUS", nonRetryable: false });
    expect(error.message).toMatch(/^exit status 127: .*not found/);
  });

  it("X2: fails the attempt when it is killed", async () => {
    expect(await failureOf("kill -9 $$")).toMatchObject({ code: "KILLED", message: "killed by SIGKILL" });
  });

  it("fails for good when its output has no end", async () => {
    expect(await failureOf("yes")).toMatchObject({ code: "OUTPUT_TOO_LARGE", nonRetryable: true });
  });

  it("X3: is killed with everything it started when the attempt is cancelled", async () => {
    const cancel = new AbortController();
    const pidFile = join(directory, "pids");
    const run = execHandler(`sleep 60 & echo $$ $! > ${pidFile}; wait`).handler(task(""), context(cancel.signal));
    const pids = await vi.waitFor(() => {
      const found = readFileSync(pidFile, "utf8").trim().split(" ").map(Number);
      expect(found).toHaveLength(2);
      return found;
    });
    cancel.abort();
    await expect(run).rejects.toMatchObject({ code: "KILLED" });
    await vi.waitFor(() => {
      for (const pid of pids) expect(isAlive(pid)).toBe(false);
    });
  });

  it("X3: does not outlive an attempt that was cancelled before it began", async () => {
    await expect(execHandler("sleep 60").handler(task(""), context(AbortSignal.abort()))).rejects.toMatchObject({
      code: "KILLED",
    });
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A zombie that nobody has waited for yet is dead for our purposes.
  return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}
