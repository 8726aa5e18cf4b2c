/** `sluice submit`: submits tasks. */
import type { TaskInput } from "@sluice/client";
import { Command } from "commander";
import { type AddressOptions, addAddressOption, nodeAddresses } from "../client/address.ts";
import { ExitStatus, UsageError } from "../exit.ts";
import { stopRequested } from "../signals.ts";
import { type SubmitSettings, submitAll, submitOne } from "../submit/run.ts";
import { fileSource, linesSource, payloadTask, randomSource } from "../submit/sources.ts";
import type { Terminal } from "../terminal.ts";
import { durationMs, keyValue, weight, wholeNumber } from "./options.ts";

const EXAMPLES = `
Examples:
  sluice submit --queue logs --payload '{"message": "disk full", "level": "error"}'
  sluice submit --queue mail --type invoice --delay 5m --payload '{"order": 7}'
  sluice submit --file jobs.jsonl                 one task per line, such as {"queue": "mail", "payload": {"order": 7}}
  tail -F app.log | sluice submit --queue logs --lines -
  sluice submit --queue logs --random --count 10000

A line of --file may say id, queue, type, payload, contentType, attributes, priority, notBefore, delayMs, timeoutMs,
retry {maxAttempts, initialBackoffMs, backoffFactor, maxBackoffMs}, fairnessKey and fairnessWeight; what it does not say
comes from the options. A payload that is a string is sent as text, anything else as JSON.

While no node answers the command waits and tries again. Exit status: 0 when every task was accepted, else 1.`;

/** What --random makes when --count is not given. */
const DEFAULT_COUNT = 100;

interface Options extends AddressOptions {
  readonly payload?: string;
  readonly file?: string;
  readonly lines?: string;
  readonly random?: true;
  readonly count?: number;
  readonly queue?: string;
  readonly type?: string;
  readonly id?: string;
  readonly priority?: number;
  readonly delay?: number;
  readonly timeout?: number;
  readonly maxAttempts?: number;
  readonly attribute?: Record<string, string>;
  readonly fairnessKey?: string;
  readonly fairnessWeight?: number;
  readonly json?: true;
}

/** Makes the command. */
export function submitCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("submit"))
    .summary("submit tasks")
    .description("Submits tasks: one, those of a file, the lines of a text, or made-up log messages.")
    .option("--payload <json>", "submit one task with this payload; prints its id")
    .option("--file <file>", "submit a task per line of JSON; - for standard input")
    .option("--lines <file>", "submit a task per line of text; - for standard input")
    .option("--random", "submit made-up log messages of type 'log'")
    .option("--count <n>", `how many --random makes (default: ${DEFAULT_COUNT})`, wholeNumber(1, 1_000_000_000))
    .option("--queue <name>", "queue of the tasks (default: default)")
    .option("--type <name>", "type of the tasks: chooses the handler")
    .option("--id <uuid>", "id of the task, with --payload: repeating the command then adds nothing")
    .option("--priority <n>", "0 to 9, the higher number first (default: 4)", wholeNumber(0, 9))
    .option("--delay <duration>", "not before this long after the submit, such as 30s or 5m", durationMs)
    .option("--timeout <duration>", "longest run of one attempt (default: no limit)", durationMs)
    .option("--max-attempts <n>", "attempts in all, 1 to 100 (default: 3)", wholeNumber(1, 100))
    .option("--attribute <key=value>", "label for filters and handlers; may be repeated", keyValue)
    .option("--fairness-key <key>", "tenant, customer or source: keys share dispatch by weight")
    .option("--fairness-weight <w>", "weight of the fairness key (default: 1)", weight)
    .option("--json", "print the outcome as JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => {
      throw new ExitStatus(await submit(options, terminal));
    });
}

async function submit(options: Options, terminal: Terminal): Promise<number> {
  const { payload, file, lines, random, count } = options;
  const given = [payload, file, lines, random].filter((each) => each !== undefined);
  if (given.length !== 1) throw new UsageError("say what to submit with one of --payload, --file, --lines, --random");
  if (count !== undefined && random === undefined) throw new UsageError("--count goes with --random");
  if (options.id !== undefined && payload === undefined) throw new UsageError("--id goes with --payload");

  const stop = new AbortController();
  const settings: SubmitSettings = {
    addresses: nodeAddresses(options, terminal),
    json: options.json === true,
    signal: stop.signal,
  };
  const defaults = taskDefaults(options);
  const single = payload === undefined ? undefined : payloadTask(payload, defaults);
  stopRequested().then((reason) => stop.abort(reason), stop.abort);
  if (single !== undefined) return submitOne(single, settings, terminal);
  return submitAll(
    (reading) => {
      if (file !== undefined) return fileSource(file, defaults, reading);
      if (lines !== undefined) return linesSource(lines, defaults, reading);
      return randomSource(count ?? DEFAULT_COUNT, defaults);
    },
    settings,
    terminal,
  );
}

/** What the options say of every task. */
function taskDefaults(options: Options): TaskInput {
  return {
    queue: options.queue,
    type: options.type,
    id: options.id,
    priority: options.priority,
    delayMs: options.delay,
    timeoutMs: options.timeout,
    attributes: options.attribute,
    fairnessKey: options.fairnessKey,
    fairnessWeight: options.fairnessWeight,
    ...(options.maxAttempts === undefined ? {} : { retry: { maxAttempts: options.maxAttempts } }),
  };
}
