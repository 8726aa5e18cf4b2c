/**
 * The answers to `WaitTasks`: the ending of each task as it happens.
 *
 * Invariants:
 *  A1  Each id is answered once; after the last one the stream ends.
 *  A2  While the caller reads too slowly, ids are kept instead of tasks, and the tasks are read again later.
 */
import { isEnded } from "../../core/lifecycle.ts";
import type { Distributor, LiveTask } from "../../engine/api.ts";
import type { AnswerStream } from "../method.ts";
import { type RpcLogger, toStatus } from "../status.ts";
import { Sender } from "./sender.ts";

/** What a wait needs. */
export interface WaitParts {
  readonly distributor: Pick<Distributor, "wait" | "get">;
  readonly logger: RpcLogger;
  /** Encodes an answer; without a task for an id that is unknown. */
  encode(id: string, task: LiveTask | undefined): Buffer;
}

/** A wait that goes on. */
export class WaitStream {
  readonly #call: AnswerStream;
  readonly #parts: WaitParts;
  readonly #sender: Sender;
  readonly #open: Set<string>;
  readonly #stops: (() => void)[] = [];
  readonly #parked: string[] = [];
  #isCatchingUp = false;
  #isOver = false;

  constructor(ids: readonly string[], call: AnswerStream, parts: WaitParts) {
    this.#call = call;
    this.#parts = parts;
    this.#open = new Set(ids);
    this.#sender = new Sender(call, () => void this.#catchUp());
    call.on("cancelled", () => this.stop());
    this.#wait([...this.#open]);
  }

  /** Ends the waiting without an answer. */
  stop(): void {
    this.#isOver = true;
    for (const stop of this.#stops.splice(0)) stop();
  }

  #wait(ids: readonly string[]): void {
    const stop = this.#parts.distributor.wait(ids, (id, task) => this.#ended(id, task));
    if (this.#isOver) stop();
    else this.#stops.push(stop);
  }

  #ended(id: string, task: LiveTask | undefined): void {
    if (this.#isOver) return;
    if (this.#sender.isFull || this.#parked.length > 0) this.#parked.push(id);
    else this.#answer(id, task);
  }

  #answer(id: string, task: LiveTask | undefined): void {
    if (this.#isOver || !this.#open.delete(id)) return;
    try {
      this.#sender.send(this.#parts.encode(id, task));
    } catch (error) {
      this.#fail(error);
    }
    if (this.#isOver || this.#open.size > 0) return;
    this.stop();
    this.#call.end();
  }

  #fail(error: unknown): void {
    this.stop();
    this.#call.emit("error", toStatus(error, this.#call.getPath(), this.#parts.logger));
  }

  /** Answers what was parked, as far as there is room. */
  async #catchUp(): Promise<void> {
    if (this.#isCatchingUp) return;
    this.#isCatchingUp = true;
    try {
      while (!this.#isOver && !this.#sender.isFull) {
        const id = this.#parked.shift();
        if (id === undefined) break;
        const task = await this.#parts.distributor.get(id);
        // Redriven meanwhile: its ending is still to come.
        if (task !== undefined && !isEnded(task.state)) this.#wait([id]);
        else this.#answer(id, task);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isCatchingUp = false;
    }
  }
}
