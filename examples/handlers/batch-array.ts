/**
 * `batch-array`: applies an operation to an array, a chunk at a time.
 *
 * Payload: JSON `{"operation": "square", "items": [1, 2, 3]}`, optionally with `chunkSize` and `pauseMs`.
 *
 *  B1  Progress is reported after each chunk.
 *  B2  Between chunks the event loop gets a turn and the signal is looked at, so an abort takes one chunk at most.
 */
import { type Handler, type HandlerContext, HandlerError } from "@sluice/client";
import { z } from "zod";
import { pause } from "./pause.ts";
import { readJson } from "./payload.ts";

const MAX_CHUNK_ITEMS = 100_000;
const DEFAULT_CHUNK_ITEMS = 100;
const MAX_PAUSE_MS = 60_000;

const NUMBER_MAPS = {
  square: (item: number) => item * item,
  double: (item: number) => item * 2,
  negate: (item: number) => -item,
};
const TEXT_MAPS = {
  "upper-case": (item: string) => item.toUpperCase(),
  "lower-case": (item: string) => item.toLowerCase(),
  trim: (item: string) => item.trim(),
};
const NUMBER_FOLDS = {
  sum: (total: number, item: number) => total + item,
  max: (total: number, item: number) => Math.max(total, item),
  min: (total: number, item: number) => Math.min(total, item),
};

const CHUNKS = {
  /** Items in one chunk. */
  chunkSize: z.int().min(1).max(MAX_CHUNK_ITEMS).default(DEFAULT_CHUNK_ITEMS),
  /** Wait between two chunks, as a service with a rate limit would demand. */
  pauseMs: z.int().min(0).max(MAX_PAUSE_MS).default(0),
};
const PAYLOAD = z.discriminatedUnion("operation", [
  z.strictObject({ operation: z.enum(["square", "double", "negate"]), items: z.array(z.number()), ...CHUNKS }),
  z.strictObject({ operation: z.enum(["upper-case", "lower-case", "trim"]), items: z.array(z.string()), ...CHUNKS }),
  z.strictObject({ operation: z.enum(["sum", "max", "min"]), items: z.array(z.number()).min(1), ...CHUNKS }),
]);
const EXPECTED =
  'JSON like {"operation": "square", "items": [1, 2, 3], "chunkSize": 100, "pauseMs": 0}, with numbers for sum, max, min ' +
  "(at least one), square, double, negate and strings for upper-case, lower-case, trim";

type Batch = z.infer<typeof PAYLOAD>;

/** What the handler returns: a list for an operation on each item, one value for one on all of them. */
export interface BatchResult {
  readonly operation: Batch["operation"];
  readonly count: number;
  readonly values?: readonly (number | string)[];
  readonly value?: number;
}

/** See the top of the file. */
export const batchArray: Handler = (task, context): Promise<BatchResult> =>
  run(readJson(task, PAYLOAD, EXPECTED), context);

async function run(batch: Batch, context: HandlerContext): Promise<BatchResult> {
  const { operation } = batch;
  const count = batch.items.length;
  switch (operation) {
    case "sum":
    case "max":
    case "min": {
      const fold = NUMBER_FOLDS[operation];
      let value: number | undefined;
      await inChunks(batch.items, batch, context, (item) => {
        value = value === undefined ? item : fold(value, item);
      });
      return { operation, count, value: finite(value ?? 0) };
    }
    case "square":
    case "double":
    case "negate":
      return { operation, count, values: await mapped(batch.items, batch, context, NUMBER_MAPS[operation]) };
    default:
      return { operation, count, values: await mapped(batch.items, batch, context, TEXT_MAPS[operation]) };
  }
}

async function mapped<Item extends number | string>(
  items: readonly Item[],
  batch: Batch,
  context: HandlerContext,
  map: (item: Item) => number | string,
): Promise<(number | string)[]> {
  const values: (number | string)[] = [];
  await inChunks(items, batch, context, (item) => {
    const value = map(item);
    values.push(typeof value === "number" ? finite(value) : value);
  });
  return values;
}

async function inChunks<Item>(
  items: readonly Item[],
  { chunkSize, pauseMs }: Batch,
  { signal, progress }: HandlerContext,
  work: (item: Item) => void,
): Promise<void> {
  for (let done = 0; done < items.length; ) {
    signal.throwIfAborted();
    for (const item of items.slice(done, done + chunkSize)) work(item);
    done = Math.min(items.length, done + chunkSize);
    progress((100 * done) / items.length, `${done} of ${items.length} items`);
    if (done < items.length) await pause(pauseMs, signal);
  }
}

/** JSON has no infinity: it would silently become null. */
function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new HandlerError("the result is larger than a number can be", { code: "OUT_OF_RANGE", nonRetryable: true });
}
