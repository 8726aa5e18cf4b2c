/**
 * Watches the space that the store has left: below a mark, submits are refused, so that results, cancels and deletions, which
 * need pages as well, still find some.
 *
 * Invariants:
 *  K1  Submits are refused from the look that finds less than minFreeBytes until the one that finds DISK_RECOVERY_FACTOR times as
 *      much: not to and fro at the mark.
 *  K2  A store that does not say what it has left, or a mark of 0, refuses nothing.
 */
import { SluiceError } from "../core/errors.ts";
import { Alarm } from "./alarm.ts";
import type { NodeState } from "./node-state.ts";
import { DISK_CHECK_MS, DISK_LOW_RETRY_MS, DISK_RECOVERY_FACTOR } from "./settings.ts";

const MIB = 1024 * 1024;

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / MIB)} MiB`;
}

/** The eye on the disk. */
export class DiskWatch {
  readonly #node: NodeState;
  readonly #alarm: Alarm;
  #freeBytes: number | undefined;
  #isLow = false;

  constructor(node: NodeState) {
    this.#node = node;
    this.#alarm = new Alarm(node.parts.clock, () => this.#node.after(this.#look(), () => {}));
  }

  /** As of the last look; undefined when the store does not say. */
  get freeBytes(): number | undefined {
    return this.#freeBytes;
  }

  /** Submits are refused. */
  get isLow(): boolean {
    return this.#isLow;
  }

  /** Looks for the first time, then again and again. */
  async start(): Promise<void> {
    const { store, settings } = this.#node.parts;
    if (store.freeBytes !== undefined && settings.minFreeBytes > 0) await this.#look();
  }

  stop(): void {
    this.#alarm.stop();
  }

  /** Why a submit is refused now, if it is. */
  refusal(): SluiceError | undefined {
    if (!this.#isLow) return undefined;
    const { minFreeBytes } = this.#node.parts.settings;
    const message =
      `the disk of this node has ${mebibytes(this.#freeBytes ?? 0)} left, less than the ${mebibytes(minFreeBytes)} that it ` +
      "keeps for results: free some, or let tasks be worked off and purge them";
    return new SluiceError("RESOURCE_EXHAUSTED", message, DISK_LOW_RETRY_MS);
  }

  async #look(): Promise<void> {
    const { store, settings, log } = this.#node.parts;
    const freeBytes = (await store.freeBytes?.()) ?? Number.POSITIVE_INFINITY;
    const { minFreeBytes } = settings;
    this.#freeBytes = freeBytes;
    const wasLow = this.#isLow;
    this.#isLow = freeBytes < (wasLow ? minFreeBytes * DISK_RECOVERY_FACTOR : minFreeBytes);
    if (this.#isLow && !wasLow) log("warn", "disk.low", { freeBytes, minFreeBytes });
    if (!this.#isLow && wasLow) log("info", "disk.recovered", { freeBytes, minFreeBytes });
    this.#alarm.within(DISK_CHECK_MS);
  }
}
