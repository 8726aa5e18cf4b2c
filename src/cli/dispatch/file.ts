/**
 * The file of `sluice dispatch`: tasks in YAML, of which JSON is a part, with defaults for all of them.
 *
 *  F1  What is wrong is refused before anything is submitted: all problems at once, each with line, column and key.
 *  F2  An unknown key is refused with the nearest known one.
 *  F3  A task's own fields win over the defaults; retry and attributes are put together key by key.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { TaskInput } from "@sluice/client";
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { MAX_TIMER_MS } from "../commands/options.ts";
import { UsageError } from "../exit.ts";
import { didYouMean } from "../nearest.ts";
import { taskFields } from "../submit/task-fields.ts";

/** A task to submit and what is expected of it. */
export interface DispatchTask {
  /** As the file names it, or `task N`. */
  readonly name: string;
  /** Where it begins in the file: FILE:LINE. */
  readonly place: string;
  readonly input: TaskInput;
  /** Ids of the analyzers that may run it; undefined: any. */
  readonly analyzers: readonly string[] | undefined;
}

/** A file as read. */
export interface DispatchFile {
  readonly tasks: readonly DispatchTask[];
  /** Undefined: however long it takes. */
  readonly timeoutMs: number | undefined;
}

/** More are for `sluice submit --file`, which does not hold them all. */
const MAX_TASKS = 10_000;
/** Problems shown in words; a mistake in many tasks is clear after some. */
const MAX_SHOWN_PROBLEMS = 20;

const { id, ...sharedFields } = taskFields;
const defaultFields = { ...sharedFields, analyzers: z.array(z.string()).min(1).optional() };

const fileSchema = z.strictObject({
  tasks: z
    .array(z.strictObject({ id, name: z.string().optional(), ...defaultFields }))
    .min(1)
    .max(MAX_TASKS),
  defaults: z.strictObject(defaultFields).optional(),
  timeoutMs: z.number().positive().max(MAX_TIMER_MS).optional(),
});

type FileContent = z.infer<typeof fileSchema>;

/** Reads a file. Throws UsageError that says what is wrong in which lines. */
export function readDispatchFile(path: string, directory: string): DispatchFile {
  let text: string;
  try {
    text = readFileSync(resolve(directory, path), "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parseDispatchFile(text, path);
}

/** The tasks of a file's text. Throws UsageError that says what is wrong in which lines. */
export function parseDispatchFile(text: string, path: string): DispatchFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const places = new Places(document, lines, path);
  const [broken] = document.errors;
  if (broken !== undefined) throw new UsageError(`${places.at(broken.pos[0])}: ${broken.message}`);
  if (document.contents === null) throw new UsageError(`${path} is empty: list tasks under 'tasks:'`);

  const read = fileSchema.safeParse(contentOf(document, path));
  if (!read.success) {
    const problems = read.error.issues.flatMap((issue) => describeIssue(issue, places));
    problems.sort((one, other) => one.offset - other.offset);
    const lines = problems.map(({ offset, text }) => `${places.at(offset)}: ${text}`);
    const hidden = lines.length - MAX_SHOWN_PROBLEMS;
    if (hidden > 0) lines.splice(MAX_SHOWN_PROBLEMS, hidden, `... and ${hidden} more problems`);
    throw new UsageError(lines.join("\n"));
  }
  const { tasks, defaults, timeoutMs } = read.data;
  return {
    tasks: tasks.map((task, index) => dispatchTask(task, defaults ?? {}, index, places)),
    timeoutMs,
  };
}

function contentOf(document: Document, path: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // Aliases that would unfold to far more than the file holds.
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function dispatchTask(
  task: FileContent["tasks"][number],
  defaults: NonNullable<FileContent["defaults"]>,
  index: number,
  places: Places,
): DispatchTask {
  const { name, analyzers, ...own } = task;
  const { analyzers: defaultAnalyzers, ...shared } = defaults;
  return {
    name: name ?? `task ${index + 1}`,
    place: places.lineOf(["tasks", index]),
    analyzers: analyzers ?? defaultAnalyzers,
    input: {
      ...shared,
      ...own,
      retry: { ...shared.retry, ...own.retry },
      attributes: { ...shared.attributes, ...own.attributes },
    },
  };
}

/** What is wrong, and where in the text. */
interface Problem {
  readonly offset: number;
  readonly text: string;
}

function describeIssue(issue: z.core.$ZodIssue, places: Places): Problem[] {
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(issue.path);
    return issue.keys.map((key) => {
      const advice = didYouMean(key, known) || `; known are ${known.join(", ")}`;
      return { offset: places.ofKey(issue.path, key), text: `${pathText([...issue.path, key])}: unknown key${advice}` };
    });
  }
  const subject = pathText(issue.path) || "the file";
  return [{ offset: places.of(issue.path), text: `${subject}: ${adviceOn(issue)}` }];
}

/** What to write instead. */
function adviceOn(issue: z.core.$ZodIssue): string {
  if (issue.path.length === 0) return "expected a mapping with the key 'tasks'";
  if (issue.code === "too_small" && issue.origin === "array") return "expected at least one";
  if (issue.code !== "invalid_type") return issue.message;
  if (issue.message.endsWith("received undefined")) return "missing";
  return EXPECTED.get(issue.expected) ?? issue.message;
}

const EXPECTED: ReadonlyMap<string, string> = new Map([
  ["string", "expected text; put it in quotes"],
  ["object", "expected a mapping, such as { type: summary, payload: 1 }"],
  ["array", "expected a list"],
  ["record", "expected a mapping of names to texts"],
  ["number", "expected a number"],
  ["int", "expected a whole number"],
]);

/** Keys of the mapping at a path of the file. */
function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  const [top] = path;
  if (path.at(-1) === "retry") return Object.keys(taskFields.retry.unwrap().shape);
  if (top === "tasks") return Object.keys(fileSchema.shape.tasks.element.shape);
  if (top === "defaults") return Object.keys(defaultFields);
  return Object.keys(fileSchema.shape);
}

/** A path as people write it: tasks[2].retry.maxAttempts. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`))
    .join("")
    .replace(/^\./, "");
}

/** Where things are in the file. */
class Places {
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #path: string;

  constructor(document: Document, lines: LineCounter, path: string) {
    this.#document = document;
    this.#lines = lines;
    this.#path = path;
  }

  /** FILE:LINE:COLUMN of an offset in the text. */
  at(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#path}:${line}:${col}`;
  }

  /** FILE:LINE of the value at a path. */
  lineOf(path: readonly PropertyKey[]): string {
    return `${this.#path}:${this.#lines.linePos(this.of(path)).line}`;
  }

  /** Offset of a key in the mapping at a path. */
  ofKey(path: readonly PropertyKey[], key: string): number {
    const mapping = this.#document.getIn(path, true);
    const pair = isMap(mapping)
      ? mapping.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
      : undefined;
    const offset = isNode(pair?.key) ? pair.key.range?.[0] : undefined;
    return offset ?? this.of(path);
  }

  /** Offset of the value at a path; what is missing is looked for where it should be. */
  of(path: readonly PropertyKey[]): number {
    for (let length = path.length; length > 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return node.range[0];
    }
    return this.#document.contents?.range?.[0] ?? 0;
  }
}
