/**
 * Sends buffered tasks in batches and retries what can be retried.
 *
 * What is submitted while batches are in flight travels in the next one; there is no timer to wait for, so an idle emitter
 * sends at once (at the end of the event-loop turn, so that submits made together travel together).
 *
 * A call that fails as a whole stops all sending for a backoff, because the node is away or full; a task that is refused
 * for lack of room in its queue waits on its own, and does not hold up tasks of other queues.
 */
import { backoffMs } from "../backoff.ts";
import type { Connection, Endpoint } from "../connection.ts";
import { DistributorService, type SubmitOutcome } from "../contract.ts";
import { SluiceClientError, SubmitError, statusName } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { encodeBatch } from "../wire/batch.ts";
import { unaryEncoded } from "../wire/call.ts";
import { isTransient } from "../wire/status.ts";
import type { BufferedTask } from "./buffered-task.ts";
import type { SubmitBuffer } from "./submit-buffer.ts";

/** How failed submits are repeated. */
export interface SubmitRetry {
  /** Upper bound of the wait before the first retry. */
  readonly initialMs: number;
  /** The bound doubles with each retry up to this. */
  readonly maxMs: number;
  /** A task whose submit keeps failing for this long is refused with the last error. */
  readonly giveUpMs: number;
}

/** What a sender needs to know. */
export interface SenderSettings {
  readonly maxInFlightBatches: number;
  readonly retry: SubmitRetry;
  readonly logger: Logger | undefined;
}

/** A batch without an answer for this long counts as failed; sending it again is safe, because the ids are set. */
const SUBMIT_DEADLINE_MS = 30_000;

/** See the top of the file. */
export class SubmitSender {
  readonly #connection: Connection;
  readonly #buffer: SubmitBuffer;
  readonly #settings: SenderSettings;
  #inFlight = 0;
  #pump: NodeJS.Immediate | undefined;
  /** Set while all sending waits for its backoff. */
  #backoff: NodeJS.Timeout | undefined;
  /** One for each group of refused tasks that waits. */
  readonly #pauses = new Set<NodeJS.Timeout>();
  /** Calls that failed in a row, and since when. */
  #failures = 0;
  #failingSinceMs = 0;

  constructor(connection: Connection, buffer: SubmitBuffer, settings: SenderSettings) {
    this.#connection = connection;
    this.#buffer = buffer;
    this.#settings = settings;
  }

  /** Takes a task. False: it is outside the buffer until its sink hears `admitted`. */
  add(task: BufferedTask): boolean {
    const admitted = this.#buffer.add(task, performance.now());
    this.#pumpSoon();
    return admitted;
  }

  /** Ends all waiting. What is in flight is still answered. */
  stop(): void {
    clearImmediate(this.#pump);
    clearTimeout(this.#backoff);
    for (const pause of this.#pauses) clearTimeout(pause);
    this.#pauses.clear();
  }

  #pumpSoon(): void {
    this.#pump ??= setImmediate(() => {
      this.#pump = undefined;
      while (this.#backoff === undefined && this.#inFlight < this.#settings.maxInFlightBatches) {
        const batch = this.#buffer.take();
        if (batch.length === 0) return;
        this.#send(batch);
      }
    });
  }

  #send(batch: readonly BufferedTask[]): void {
    const endpoint = this.#connection.endpoint();
    const { submitBatch } = DistributorService.method;
    this.#inFlight++;
    unaryEncoded(endpoint.client, submitBatch, encodeBatch(batch), SUBMIT_DEADLINE_MS, (error, response) => {
      this.#inFlight--;
      if (error !== undefined) this.#failed(batch, error, endpoint);
      else this.#answered(batch, response?.outcomes ?? []);
      this.#pumpSoon();
    });
  }

  #answered(batch: readonly BufferedTask[], outcomes: readonly SubmitOutcome[]): void {
    this.#recovered();
    const full: BufferedTask[] = [];
    let hintMs = 0;
    const nowMs = performance.now();
    batch.forEach((task, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined && outcome.error === undefined) {
        if (this.#buffer.settle(task)) {
          task.trace?.end();
          task.sink.accepted(task, outcome.duplicate);
        }
        return;
      }
      const error = refusal(outcome);
      if (!isTransient(error) || !this.#mayRetry(task, nowMs)) {
        this.#refuse(task, error);
        return;
      }
      full.push(task);
      hintMs = Math.max(hintMs, error.retryAfterMs ?? 0);
    });
    if (full.length > 0) this.#pause(full, hintMs);
  }

  #mayRetry(task: BufferedTask, nowMs: number): boolean {
    if (task.refusals++ === 0) task.sinceMs = nowMs;
    return nowMs - task.sinceMs < this.#settings.retry.giveUpMs;
  }

  /** Tasks refused for lack of room wait at least for the node's hint, with jitter so that emitters do not come in step. */
  #pause(tasks: readonly BufferedTask[], hintMs: number): void {
    const { retry } = this.#settings;
    const delayMs = hintMs + backoffMs(retry, tasks[0]?.refusals ?? 1, Math.random());
    const pause = setTimeout(() => {
      this.#pauses.delete(pause);
      this.#buffer.giveBack(tasks);
      this.#pumpSoon();
    }, delayMs);
    this.#pauses.add(pause);
  }

  #failed(batch: readonly BufferedTask[], error: SluiceClientError, endpoint: Endpoint): void {
    if (!isTransient(error)) {
      for (const task of batch) this.#refuse(task, error);
      return;
    }
    const nowMs = performance.now();
    this.#buffer.giveBack(batch);
    // The first failure starts the backoff; batches that were in flight with it only return.
    if (this.#backoff === undefined) this.#backOff(error, endpoint, nowMs);
    const lostMs = nowMs - this.#settings.retry.giveUpMs;
    for (const task of this.#buffer.expired(this.#failingSinceMs, lostMs)) this.#refuse(task, error);
  }

  #backOff(error: SluiceClientError, endpoint: Endpoint, nowMs: number): void {
    if (this.#failures === 0) this.#failingSinceMs = nowMs;
    this.#failures++;
    // A node without room is not away: another one would only hide that.
    if (error.code !== "RESOURCE_EXHAUSTED") this.#connection.failed(endpoint);
    const { retry, logger } = this.#settings;
    // Each address is tried once before the first wait.
    const round = Math.max(0, this.#failures - this.#connection.size + 1);
    const delayMs = Math.max(error.retryAfterMs ?? 0, round === 0 ? 0 : backoffMs(retry, round, Math.random()));
    const fields = {
      code: error.code,
      address: endpoint.address,
      failures: this.#failures,
      retryInMs: Math.round(delayMs),
    };
    logger?.warn(fields, `submit failed, trying again: ${error.message}`);
    this.#backoff = setTimeout(() => {
      this.#backoff = undefined;
      this.#pumpSoon();
    }, delayMs);
  }

  #recovered(): void {
    if (this.#failures === 0) return;
    this.#settings.logger?.info({ failures: this.#failures }, "submits are accepted again");
    this.#failures = 0;
  }

  #refuse(task: BufferedTask, error: SluiceClientError): void {
    if (!this.#buffer.settle(task)) return;
    task.trace?.end(error);
    task.sink.refused(task, new SubmitError(task.id, error));
  }
}

function refusal(outcome: SubmitOutcome | undefined): SluiceClientError {
  if (outcome?.error === undefined) return new SluiceClientError("INTERNAL", "the node gave no outcome for the task");
  const { code, message, retryAfterMs } = outcome.error;
  return new SluiceClientError(statusName(code), message, {
    retryAfterMs: retryAfterMs === 0 ? undefined : retryAfterMs,
  });
}
