/**
 * A handler that runs a program for each task.
 *
 *  X1  The payload is the program's input, its output is the result.
 *  X2  Exit status 0 completes the task; EXIT_NON_RETRYABLE fails it for good; any other, or death by a signal, fails the
 *      attempt. The end of the error output becomes the error's message.
 *  X3  A cancelled attempt leaves no process behind: the whole process group gets SIGTERM, then SIGKILL.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { type Handler, type HandlerContext, HandlerError, type ReceivedTask } from "@sluice/client";

/** Exit status with which a program says: do not try this task again (EX_DATAERR of sysexits.h). */
export const EXIT_NON_RETRYABLE = 65;

/** Largest output kept as a result: what a node takes by default. More fails the task for good. */
const MAX_OUTPUT_BYTES = 1_048_576;
/** How much of the error output's end is kept: fits into the 4096 bytes of an error's message, with the status before it. */
const ERROR_TAIL_BYTES = 3072;
/** How long a cancelled program may clean up before it is killed. */
const KILL_GRACE_MS = 5000;

/** A handler that runs programs, and what ends those that run. */
export interface ExecHandler {
  readonly handler: Handler;
  /** Kills what still runs, without grace: for the end of this process. */
  killAll(): void;
}

/** Makes a handler that runs `command` in a shell for each task. */
export function execHandler(command: string): ExecHandler {
  const running = new Set<ChildProcess>();
  const handler: Handler = async (task, context) => {
    const { signal } = context;
    const run = await runCommand(startShell(command, task, context, running), task.payload, signal);
    if (run.outputBytes > MAX_OUTPUT_BYTES) {
      throw failure("OUTPUT_TOO_LARGE", `the output is larger than ${MAX_OUTPUT_BYTES} bytes`, true);
    }
    if (run.signal !== null) throw failure("KILLED", describe(`killed by ${run.signal}`, run.errorTail), false);
    if (run.status !== 0) {
      const nonRetryable = run.status === EXIT_NON_RETRYABLE;
      throw failure("EXIT_STATUS", describe(`exit status ${run.status}`, run.errorTail), nonRetryable);
    }
    return run.output.length === 0 ? undefined : run.output;
  };
  const killAll = (): void => {
    for (const child of running) killGroup(child, "SIGKILL");
  };
  return { handler, killAll };
}

function failure(code: string, message: string, nonRetryable: boolean): HandlerError {
  return new HandlerError(message, { code, nonRetryable });
}

function describe(what: string, errorTail: string): string {
  return errorTail === "" ? what : `${what}: ${errorTail}`;
}

/** How a program ended. */
interface Run {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: Uint8Array;
  /** Bytes written, of which `output` keeps the first ones. */
  readonly outputBytes: number;
  readonly errorTail: string;
}

function startShell(
  command: string,
  task: ReceivedTask,
  context: HandlerContext,
  running: Set<ChildProcess>,
): ChildProcessWithoutNullStreams {
  // Its own process group, so that a signal reaches what the shell started, and Ctrl-C reaches only this process.
  const child = spawn(command, { shell: true, detached: true, env: taskEnvironment(task, context) });
  running.add(child);
  child.once("close", () => running.delete(child));
  return child;
}

function runCommand(child: ChildProcessWithoutNullStreams, payload: Uint8Array, signal: AbortSignal): Promise<Run> {
  const stopKilling = killOnAbort(child, signal);

  const chunks: Buffer[] = [];
  let outputBytes = 0;
  let errorTail = Buffer.alloc(0);
  child.stdout.on("data", (chunk: Buffer) => {
    outputBytes += chunk.length;
    if (outputBytes <= MAX_OUTPUT_BYTES) chunks.push(chunk);
    else killGroup(child, "SIGKILL");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errorTail = Buffer.concat([errorTail, chunk]).subarray(-ERROR_TAIL_BYTES);
  });
  // A program need not read its input: what it leaves unread is no error.
  child.stdin.on("error", () => {});
  child.stdin.end(payload);

  return new Promise<Run>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, killedBy) => {
      resolve({
        status,
        signal: killedBy,
        output: Buffer.concat(chunks),
        outputBytes,
        errorTail: errorTail.toString("utf8").trim(),
      });
    });
  }).finally(stopKilling);
}

function taskEnvironment(
  task: ReceivedTask,
  { attempt, traceContext }: Pick<HandlerContext, "attempt" | "traceContext">,
): NodeJS.ProcessEnv {
  // As OpenTelemetry names them where environment variables carry a trace: TRACEPARENT, TRACESTATE, BAGGAGE.
  const trace = Object.entries(traceContext).map(([key, value]) => [key.toUpperCase(), value]);
  return {
    ...process.env,
    ...Object.fromEntries(trace),
    SLUICE_TASK_ID: task.id,
    SLUICE_QUEUE: task.queue,
    SLUICE_TYPE: task.type,
    SLUICE_ATTEMPT: String(attempt),
    SLUICE_CONTENT_TYPE: task.contentType,
    SLUICE_ATTRIBUTES: JSON.stringify(task.attributes),
  };
}

/** Returns what takes the watch off again. */
function killOnAbort(child: ChildProcess, signal: AbortSignal): () => void {
  let killTimer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    killGroup(child, "SIGTERM");
    killTimer = setTimeout(() => killGroup(child, "SIGKILL"), KILL_GRACE_MS);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return () => {
    signal.removeEventListener("abort", onAbort);
    clearTimeout(killTimer);
  };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  // Without a pid it never started; the `error` event tells.
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}
