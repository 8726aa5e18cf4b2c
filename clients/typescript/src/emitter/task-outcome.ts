/**
 * The ending of a task, as a program reads it.
 */
import type { Task } from "../contract.ts";
import { TaskState } from "../contract.ts";
import { SluiceClientError, TaskCancelledError, TaskFailedError } from "../errors.ts";
import { decodeJson, decodeText } from "../payload.ts";

/** What a completed task returned. */
export class TaskOutcome {
  /** The task as it ended. */
  readonly task: Task;

  constructor(task: Task) {
    this.task = task;
  }

  get id(): string {
    return this.task.spec?.id ?? "";
  }

  /** The output as the handler returned it; empty for none. */
  get output(): Uint8Array {
    return this.task.result?.output ?? new Uint8Array(0);
  }

  /** MIME type of the output; empty for none. */
  get contentType(): string {
    return this.task.result?.contentType ?? "";
  }

  /** The output as UTF-8 text. */
  text(): string {
    return decodeText(this.output);
  }

  /** The output as JSON. INVALID_ARGUMENT when it is not. The type is the caller's claim: nothing checks it. */
  json<T = unknown>(): T {
    return decodeJson<T>(this.output);
  }
}

/** The outcome of an ended task. Throws TaskFailedError or TaskCancelledError when it was not completed. */
export function outcomeOf(task: Task): TaskOutcome {
  switch (task.state) {
    case TaskState.COMPLETED:
      return new TaskOutcome(task);
    case TaskState.FAILED:
      throw new TaskFailedError(task);
    case TaskState.CANCELLED:
      throw new TaskCancelledError(task);
    default:
      throw new SluiceClientError("INTERNAL", `the node reported the end of a task in state ${task.state}`);
  }
}
