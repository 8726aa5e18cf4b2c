/** `sluice tasks`: looks at tasks and operates on them. */
import { toJson } from "@bufbuild/protobuf";
import { type Task, TaskSchema, TaskState } from "@sluice/client/contract";
import { Command } from "commander";
import { type AddressOptions, addAddressOption } from "../client/address.ts";
import { withAdmin } from "../client/with-admin.ts";
import { CommandError, EXIT_FAILED, EXIT_OK, ExitStatus } from "../exit.ts";
import { addFilterOptions, type FilterOptions, stateName, taskFilter, taskSelection } from "../operate/task-filter.ts";
import { cancelAll, describeTotals, type OperationTotals, purgeAll, retryAll } from "../operate/task-operations.ts";
import { formatError, taskDetails, taskTable } from "../operate/task-report.ts";
import { formatCount, formatDuration, formatPlural } from "../output/figures.ts";
import { printLine, printNotice, type Terminal } from "../terminal.ts";
import { timerMs, wholeNumber } from "./options.ts";

const EXAMPLES = `
Examples:
  sluice tasks get 019380f2-...                             one task with its history
  sluice tasks list --queue mail --state failed --since 1d  yesterday's dead letters
  sluice tasks wait --result $(sluice submit --payload 1)   submit, wait, print the result
  sluice tasks retry --queue mail --state failed --rate 50  dead letters back, 50 a second
  sluice tasks cancel 019380f2-... 019380f3-...
  sluice tasks purge --queue mail --state completed --before 1h`;

interface JsonOption {
  readonly json?: true;
}

/** Makes the command. */
export function tasksCommand(terminal: Terminal): Command {
  return new Command("tasks")
    .summary("look at tasks; cancel, retry, purge them")
    .description("Looks at tasks and operates on them.")
    .addHelpText("after", EXAMPLES)
    .addCommand(getCommand(terminal))
    .addCommand(listCommand(terminal))
    .addCommand(waitCommand(terminal))
    .addCommand(cancelCommand(terminal))
    .addCommand(retryCommand(terminal))
    .addCommand(purgeCommand(terminal));
}

function getCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("get"))
    .description("Shows a task with its history.")
    .argument("<id>", "id of the task")
    .option("--json", "print JSON")
    .action(async (id: string, options: AddressOptions & JsonOption) => {
      const task = await withAdmin(options, terminal, (admin) => admin.getTask(id));
      for (const line of options.json ? [taskJson(task, 2)] : taskDetails(task)) printLine(terminal, line);
    });
}

interface ListOptions extends AddressOptions, FilterOptions, JsonOption {
  readonly limit: number;
  readonly newest?: true;
}

function listCommand(terminal: Terminal): Command {
  return addFilterOptions(addAddressOption(new Command("list")))
    .description("Lists tasks, oldest first.")
    .option("--limit <n>", "at most this many", wholeNumber(1, 1_000_000), 50)
    .option("--newest", "newest first")
    .option("--json", "print a line of JSON per task, with payloads and results")
    .action((options: ListOptions) => list(options, terminal));
}

async function list(options: ListOptions, terminal: Terminal): Promise<void> {
  const { limit } = options;
  const tasks: Task[] = [];
  const query = {
    filter: taskFilter(options, Date.now()),
    pageSize: Math.min(limit, 1000),
    newestFirst: options.newest === true,
    summary: options.json === undefined,
  };
  const isCut = await withAdmin(options, terminal, async (admin) => {
    for await (const task of admin.allTasks(query)) {
      if (tasks.length === limit) return true;
      tasks.push(task);
    }
    return false;
  });
  for (const line of options.json ? tasks.map((task) => taskJson(task, 0)) : taskTable(tasks))
    printLine(terminal, line);
  if (isCut) printNotice(terminal, "there are more; see them with a higher --limit");
  else if (tasks.length === 0) printNotice(terminal, "no task matches");
}

/** Ids of open tasks said when the time is over; more are counted. */
const MAX_NAMED = 10;

interface WaitOptions extends AddressOptions, JsonOption {
  readonly timeout?: number;
  readonly result?: true;
}

function waitCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("wait"))
    .description("Waits until tasks have ended. Exit status: 0 when all were completed, else 1.")
    .argument("<ids...>", "ids of the tasks")
    .option("--timeout <duration>", "give up after this long (default: never)", timerMs)
    .option("--result", "print what the tasks returned, and nothing else")
    .option("--json", "print a line of JSON per task")
    .action(async (ids: string[], options: WaitOptions) => {
      throw new ExitStatus(await waitFor(ids, options, terminal));
    });
}

async function waitFor(ids: readonly string[], options: WaitOptions, terminal: Terminal): Promise<number> {
  const { timeout } = options;
  const signal = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
  let isEveryCompleted = true;
  const open = new Set(ids);
  await withAdmin(options, terminal, async (admin) => {
    try {
      for await (const { id, task } of admin.waitTasks(ids, signal)) {
        open.delete(id);
        if (task?.state !== TaskState.COMPLETED) isEveryCompleted = false;
        printEnding(id, task, options, terminal);
      }
    } catch (error) {
      if (signal?.aborted) throw new CommandError(notEnded([...open], timeout ?? 0));
      throw error;
    }
  });
  return isEveryCompleted ? EXIT_OK : EXIT_FAILED;
}

function notEnded(open: readonly string[], timeoutMs: number): string {
  const named = open.slice(0, MAX_NAMED).map((id) => `  ${id}`);
  if (open.length > MAX_NAMED) named.push(`  and ${formatCount(open.length - MAX_NAMED)} more`);
  const count = formatPlural(open.length, "task");
  const reason = `${count} had not ended after ${formatDuration(timeoutMs)} ('sluice explain task ID' says why):`;
  return [reason, ...named].join("\n");
}

function printEnding(id: string, task: Task | undefined, options: WaitOptions, terminal: Terminal): void {
  if (task === undefined) {
    printNotice(terminal, `${id}  unknown: it never was, or its retention has ended`);
  } else if (options.json) {
    printLine(terminal, taskJson(task, 0));
  } else if (!options.result) {
    printLine(terminal, endingLine(id, task));
  } else if (task.state === TaskState.COMPLETED) {
    printLine(terminal, new TextDecoder().decode(task.result?.output));
  } else {
    printNotice(terminal, endingLine(id, task));
  }
}

function endingLine(id: string, task: Task): string {
  return [id, stateName(task.state), ...(task.error === undefined ? [] : [formatError(task.error)])].join("  ");
}

/** States in which a task can be cancelled. */
const WAITING = [TaskState.PENDING, TaskState.SCHEDULED, TaskState.RUNNING, TaskState.RETRYING] as const;
/** States in which a task can be deleted. */
const ENDED = [TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED] as const;

type OperationOptions = AddressOptions & FilterOptions & JsonOption;

function operationCommand(name: string): Command {
  return addFilterOptions(addAddressOption(new Command(name)))
    .argument("[ids...]", "ids of the tasks; or select them by --queue and further filters")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExit status: 1 when a task named by id was skipped.");
}

function cancelCommand(terminal: Terminal): Command {
  return operationCommand("cancel")
    .description("Cancels tasks. Waiting ones end at once, the analyzers of running ones are asked to stop.")
    .action(async (ids: string[], options: OperationOptions) => {
      const selection = taskSelection(ids, options, Date.now(), WAITING);
      const totals = await withAdmin(options, terminal, (admin) => cancelAll(admin, selection));
      printTotals(totals, "cancelled", { ...options, ids }, terminal);
    });
}

function retryCommand(terminal: Terminal): Command {
  return operationCommand("retry")
    .description("Puts dead letters, or cancelled tasks, back in their original place with fresh attempts.")
    .option("--rate <n>", "at most this many per second (default: no limit)", wholeNumber(1, 1_000_000))
    .action(async (ids: string[], options: OperationOptions & { readonly rate?: number }) => {
      const selection = taskSelection(ids, options, Date.now(), [TaskState.FAILED, TaskState.CANCELLED]);
      const totals = await withAdmin(options, terminal, (admin) => retryAll(admin, selection, options.rate ?? 0));
      printTotals(totals, "put back", { ...options, ids }, terminal);
    });
}

function purgeCommand(terminal: Terminal): Command {
  return operationCommand("purge")
    .description("Deletes ended tasks for good, before their retention would.")
    .action(async (ids: string[], options: OperationOptions) => {
      const selection = taskSelection(ids, options, Date.now(), ENDED);
      const totals = await withAdmin(options, terminal, (admin) => purgeAll(admin, selection));
      printTotals(totals, "deleted", { ...options, ids }, terminal);
    });
}

function printTotals(
  totals: OperationTotals,
  verb: string,
  options: JsonOption & { readonly ids: readonly string[] },
  terminal: Terminal,
): void {
  printLine(terminal, options.json ? JSON.stringify(totals) : describeTotals(totals, verb));
  // Of those found by a filter, some may have moved on meanwhile: nobody asked for them by name.
  if (options.ids.length > 0 && totals.skipped > 0) throw new ExitStatus(EXIT_FAILED);
}

function taskJson(task: Task, indent: number): string {
  return JSON.stringify(toJson(TaskSchema, task), undefined, indent);
}
