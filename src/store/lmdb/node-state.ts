/**
 * What the lmdb store records of the node itself: format of the data, epochs, whether it was closed, the last submission.
 */
import { MAX_EPOCH } from "../../core/lease.ts";
import { StoreOpenError } from "../port.ts";
import type { Environment, Tables } from "./environment.ts";
import { prefixRange } from "./keys.ts";
import { decodeNode, decodeNumber, encodeNode, encodeNumber, type NodeRecord } from "./records.ts";

/** Format of the data as a whole: which tables there are and what they mean. */
const FORMAT = 1;
const FORMAT_KEY = "format";
const NODE_KEY = "node";
const SEQUENCE_KEY = "sequence";
const NEW_NODE: NodeRecord = { epoch: 0, dispatchEpoch: 0, closed: true };

/** The state of the node. What changes is written for the next commit. */
export class NodeState {
  readonly #tables: Tables;
  /** The epoch of this start; `nextEpoch` reserves further ones for it. */
  readonly startEpoch: number;
  /** The last user did not close the data. */
  readonly wasOpen: boolean;
  #record: NodeRecord;
  /** The last submission: every one marks a queue as changed, so that a commit comes. */
  #sequence: number;
  #writtenSequence: number;

  /** Reads the state and begins a new epoch. Throws `StoreOpenError`, or `StoreFailedError` for damage. */
  constructor(environment: Environment, directory: string) {
    this.#tables = environment.tables;
    const { meta } = this.#tables;
    const format = meta.get(FORMAT_KEY);
    if (format === undefined) requireEmpty(this.#tables, directory);
    else requireFormat(decodeNumber(format, "the data format"), directory);
    const node = meta.get(NODE_KEY);
    const sequence = meta.get(SEQUENCE_KEY);
    this.#record = node === undefined ? NEW_NODE : decodeNode(node);
    this.#sequence = sequence === undefined ? 0 : decodeNumber(sequence, "the last submission");
    this.#writtenSequence = this.#sequence;
    this.wasOpen = !this.#record.closed;
    this.startEpoch = this.nextEpoch();
    meta.put(FORMAT_KEY, encodeNumber(FORMAT));
    this.#write({ closed: false });
  }

  /** Begins a further epoch. */
  nextEpoch(): number {
    const epoch = this.#record.epoch + 1;
    if (epoch > MAX_EPOCH) throw new StoreOpenError(`epoch ${epoch} is beyond the last: start with an empty directory`);
    this.#write({ epoch });
    return epoch;
  }

  /** This start begins to dispatch. */
  beginDispatch(): void {
    this.#write({ dispatchEpoch: this.startEpoch });
  }

  /** Whether a lease of an epoch may still be held by an analyzer, and its task not yet be given to another one. */
  mayBeHeld(epoch: number): boolean {
    return epoch >= this.#record.dispatchEpoch && epoch < this.startEpoch;
  }

  /** The data is closed in good order. */
  markClosed(): void {
    this.#write({ closed: true });
  }

  /** The number of one more submission. */
  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  /** Writes what changes too often to be written each time. */
  flush(): void {
    if (this.#sequence === this.#writtenSequence) return;
    this.#tables.meta.put(SEQUENCE_KEY, encodeNumber(this.#sequence));
    this.#writtenSequence = this.#sequence;
  }

  /** When the cancel of a task was asked for while it ran. */
  cancelWishMs(task: string): number {
    const record = this.#tables.cancelling.get(task);
    return record === undefined ? 0 : decodeNumber(record, "a cancel");
  }

  #write(change: Partial<NodeRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#tables.meta.put(NODE_KEY, encodeNode(this.#record));
  }
}

function requireEmpty(tables: Tables, directory: string): void {
  for (const table of Object.values(tables)) {
    for (const _ of table.range(prefixRange("", undefined, false))) {
      throw new StoreOpenError(`the data in ${directory} was not made by this program: use another directory`);
    }
  }
}

function requireFormat(format: number, directory: string): void {
  if (format === FORMAT) return;
  throw new StoreOpenError(
    `the data in ${directory} has format ${format}, this program knows ${FORMAT}: use the version that wrote it`,
  );
}
