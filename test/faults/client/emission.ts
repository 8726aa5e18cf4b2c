/** An emitter of the SDK that submits at a steady pace, and waits for the ending of every task it was answered OK for. */
import { crc32 } from "node:zlib";
import { Emitter, type SluiceClientError, SubmitError, TaskCancelledError, TaskFailedError } from "@sluice/client";
import type { Task } from "@sluice/client/contract";
import { v7 as newId } from "uuid";
import type { HistoryEvent } from "../history.ts";
import { findingOf } from "./finding.ts";
import type { EmitterRole, Work } from "./protocol.ts";

/** How often tasks are submitted. */
const TICK_MS = 20;
/** With this many submits unanswered it waits: a node that is away must not be met by a flood. */
const MAX_UNANSWERED = 2000;
/** A task whose first attempts fail is tried again soon. */
const RETRY = { initialBackoffMs: 50, maxBackoffMs: 200 };

/** A running emitter. */
export class Emission {
  readonly #role: EmitterRole;
  readonly #tell: (event: HistoryEvent) => void;
  readonly #emitter: Emitter;
  readonly #padding: string;
  #perSecond = 0;
  #due = 0;
  #lastMs = performance.now();
  #unanswered = 0;
  readonly #ticker: NodeJS.Timeout;

  constructor(role: EmitterRole, tell: (event: HistoryEvent) => void) {
    this.#role = role;
    this.#tell = tell;
    this.#emitter = new Emitter({ address: role.address, retry: { maxMs: 500 } });
    this.#padding = "x".repeat(role.payloadBytes);
    this.setPace(role.perSecond);
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  setPace(perSecond: number): void {
    this.#perSecond = perSecond;
    if (perSecond === 0) this.#due = 0;
  }

  /** Submits nothing more; resolves when everything submitted is answered. */
  async flush(): Promise<void> {
    this.setPace(0);
    await this.#emitter.flush();
  }

  async close(): Promise<void> {
    clearInterval(this.#ticker);
    await this.#emitter.close();
  }

  #tick(): void {
    const nowMs = performance.now();
    // What could not be submitted in a second is let go: the pace is no debt.
    this.#due = Math.min(this.#due + ((nowMs - this.#lastMs) * this.#perSecond) / 1000, this.#perSecond);
    this.#lastMs = nowMs;
    for (; this.#due >= 1; this.#due -= 1) {
      if (this.#unanswered >= MAX_UNANSWERED) return;
      void this.#submit();
    }
  }

  async #submit(): Promise<void> {
    const { queue, workMs, failing, maxAttempts } = this.#role;
    const work: Work = {
      workMs: Math.floor(Math.random() * workMs),
      fails: Math.random() < failing ? 1 : 0,
      padding: this.#padding,
    };
    const payload = Buffer.from(JSON.stringify(work));
    const task = newId();
    this.#tell({ kind: "asked", atMs: Date.now(), task, crc: crc32(payload), maxAttempts, timeoutMs: 0 });
    this.#unanswered += 1;
    try {
      const submitted = await this.#emitter.submit({ id: task, queue, payload, retry: { maxAttempts, ...RETRY } });
      this.#tell({ kind: "answered", atMs: Date.now(), task, code: "OK" });
      void this.#await(task, submitted.result());
    } catch (error) {
      if (!(error instanceof SubmitError)) throw error;
      this.#tell({ kind: "answered", atMs: Date.now(), task, code: error.code });
    } finally {
      this.#unanswered -= 1;
    }
  }

  async #await(task: string, result: Promise<{ readonly task: Task }>): Promise<void> {
    const end = await result.then(({ task: ended }) => ended, endOf);
    const atMs = Date.now();
    if (end === "NOT_FOUND") this.#tell({ kind: "missing", atMs, task });
    else if (typeof end !== "string") this.#tell({ kind: "ended", atMs, finding: findingOf(end, true) });
  }
}

/** The task of an error that says how it ended, or the code of any other. */
function endOf(error: SluiceClientError): Task | string {
  return error instanceof TaskFailedError || error instanceof TaskCancelledError ? error.task : error.code;
}
