/**
 * Where `sluice submit` takes tasks from. Sources are read as the node accepts tasks: a file of any size takes little
 * memory.
 */
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { addAbortSignal } from "node:stream";
import type { TaskInput } from "@sluice/client";
import { makeLogMessage } from "../demo/log-message.ts";
import { CommandError, UsageError } from "../exit.ts";
import type { Terminal } from "../terminal.ts";
import { readTaskLine } from "./task-line.ts";

/** Tasks to submit. */
export interface TaskSource {
  /** How many there are, if that is known before they are read. */
  readonly total: number | undefined;
  readonly tasks: Iterable<TaskInput> | AsyncIterable<TaskInput>;
}

/** Name that stands for standard input. */
const STANDARD_INPUT = "-";

/** Longest line read, in characters: many times what a node takes as a payload, so that a file of no lines fails early. */
const MAX_LINE_LENGTH = 16_777_216;

/** A line of a file. */
interface Line {
  readonly text: string;
  readonly number: number;
}

/** How files are read. */
export interface Reading {
  readonly terminal: Terminal;
  /** Called for each line that is no task. */
  badLine(place: string, problem: string): void;
  /** Ends the reading, also while standard input has nothing to say. */
  readonly signal: AbortSignal;
}

/** A task with a JSON payload. Throws UsageError when the text is not JSON. */
export function payloadTask(text: string, defaults: TaskInput): TaskInput {
  try {
    JSON.parse(text);
  } catch {
    throw new UsageError(
      `--payload must be JSON, such as '{"message": "hi"}' or '"text"'; for plain text pipe it to --lines -`,
    );
  }
  // As typed: parsing and writing again would change large numbers.
  return { ...defaults, payload: new TextEncoder().encode(text), contentType: "application/json" };
}

/** A task per line of JSON; what a line does not say comes from the defaults. Bad lines are reported and left out. */
export function fileSource(file: string, defaults: TaskInput, reading: Reading): TaskSource {
  async function* tasks(): AsyncGenerator<TaskInput> {
    for await (const { text, number } of readLines(file, reading)) {
      const line = readTaskLine(text);
      if ("task" in line) yield { ...defaults, ...line.task };
      else reading.badLine(`${file}:${number}`, line.problem);
    }
  }
  return { total: undefined, tasks: tasks() };
}

/** A task per line of text, which is its payload. */
export function linesSource(file: string, defaults: TaskInput, reading: Reading): TaskSource {
  async function* tasks(): AsyncGenerator<TaskInput> {
    for await (const { text } of readLines(file, reading)) yield { ...defaults, payload: text };
  }
  return { total: undefined, tasks: tasks() };
}

/** Made-up log messages. */
export function randomSource(count: number, defaults: TaskInput): TaskSource {
  function* tasks(): Generator<TaskInput> {
    for (let made = 0; made < count; made++) {
      yield { ...defaults, type: defaults.type ?? "log", payload: makeLogMessage(Math.random, new Date()) };
    }
  }
  return { total: count, tasks: tasks() };
}

/** The lines that are not empty, with their numbers from 1. */
async function* readLines(file: string, { terminal, signal }: Reading): AsyncGenerator<Line> {
  const input = file === STANDARD_INPUT ? terminal.input : createReadStream(resolve(terminal.directory, file));
  try {
    yield* splitLines(addAbortSignal(signal, input).setEncoding("utf8"));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Not readline, which neither passes on the failure of its input nor limits a line. */
async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<Line> {
  let number = 0;
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      number += 1;
      const text = line.endsWith("\r") ? line.slice(0, -1) : line;
      if (text !== "") yield { text, number };
    }
    if (rest.length > MAX_LINE_LENGTH) {
      throw new CommandError(
        `line ${number + 1} is longer than ${MAX_LINE_LENGTH} characters: no task can be that large`,
      );
    }
  }
  if (rest !== "") yield { text: rest, number: number + 1 };
}
