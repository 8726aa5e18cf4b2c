/**
 * The answers to `WaitTasks`: the ending of each task as it happens.
 *
 * Invariants:
 *  A1  Each id is answered once; after the last one the stream ends.
 *  A2  While the caller reads too slowly, ids are kept instead of tasks, and the tasks are read again later.
 */
import { isEnded } from "../../core/lifecycle.ts";
import type { Distributor, LiveTask } from "../../engine/api.ts";
import type { AnswerSource, AnswerStream } from "../method.ts";

/** What a wait needs. */
export interface WaitParts {
  readonly distributor: Pick<Distributor, "wait" | "get">;
  /** Encodes an answer; without a task for an id that is unknown. */
  encode(id: string, task: LiveTask | undefined): Buffer;
}

/** A wait that goes on. */
export class WaitStream implements AnswerSource {
  readonly #stream: AnswerStream;
  readonly #parts: WaitParts;
  readonly #open: Set<string>;
  readonly #stops: (() => void)[] = [];
  readonly #parked: string[] = [];
  #isCatchingUp = false;
  #isOver = false;

  constructor(ids: readonly string[], stream: AnswerStream, parts: WaitParts) {
    this.#stream = stream;
    this.#parts = parts;
    this.#open = new Set(ids);
    this.#wait([...this.#open]);
  }

  room(): void {
    void this.#catchUp();
  }

  closed(): void {
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
    if (this.#stream.isFull || this.#parked.length > 0) this.#parked.push(id);
    else this.#answer(id, task);
  }

  #answer(id: string, task: LiveTask | undefined): void {
    if (this.#isOver || !this.#open.delete(id)) return;
    try {
      this.#stream.send(this.#parts.encode(id, task));
    } catch (error) {
      this.#end(error);
    }
    if (this.#open.size === 0) this.#end();
  }

  #end(error?: unknown): void {
    this.closed();
    this.#stream.end(error);
  }

  /** Answers what was parked, as far as there is room. */
  async #catchUp(): Promise<void> {
    if (this.#isCatchingUp) return;
    this.#isCatchingUp = true;
    try {
      while (!this.#isOver && !this.#stream.isFull) {
        const id = this.#parked.shift();
        if (id === undefined) break;
        const task = await this.#parts.distributor.get(id);
        // Redriven meanwhile: its ending is still to come.
        if (task !== undefined && !isEnded(task.state)) this.#wait([id]);
        else this.#answer(id, task);
      }
    } catch (error) {
      this.#end(error);
    } finally {
      this.#isCatchingUp = false;
    }
  }
}
