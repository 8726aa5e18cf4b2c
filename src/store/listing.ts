/**
 * Listing, the part that all stores share: which order a filter gets, which tasks match, where a page ends, and what its
 * cursor says.
 *
 *  L1  A page holds at most `limit` tasks and looks at no more than `scanLimit` candidates. After MAX_PAGE_SCAN_BYTES of
 *      them it ends.
 *  L2  A page has a cursor exactly when there was another candidate to look at.
 *  L3  A cursor is the position of the last candidate looked at, so it stays valid while tasks come, go and change.
 */
import { MAX_PAGE_SCAN_BYTES } from "../core/limits.ts";
import type { EndState } from "../core/task.ts";
import { InvalidCursorError, type ListPage, type ListQuery, type StoredTask, type TaskFilter } from "./port.ts";
import { ID_BYTES, READY_BYTES, TIMED_BYTES } from "./positions.ts";

/** In which order, and from what, a filter is served; see `ListPage`. */
export type ListOrder =
  | { readonly kind: "ended"; readonly queue: string; readonly state: EndState }
  | { readonly kind: "due" }
  | { readonly kind: "ready"; readonly queue: string }
  | { readonly kind: "running" }
  | { readonly kind: "id" };

/** One task that may be on the page. */
export interface Candidate {
  /** Byte string, see `positions.ts`. */
  readonly position: string;
  /** Reads it; undefined when it is not among those that the order serves after all. */
  readonly read: () => StoredTask | undefined;
}

const CURSORS: Readonly<Record<ListOrder["kind"], { readonly tag: string; readonly positionBytes: number }>> = {
  ended: { tag: "e", positionBytes: TIMED_BYTES },
  due: { tag: "d", positionBytes: TIMED_BYTES },
  ready: { tag: "p", positionBytes: READY_BYTES },
  running: { tag: "r", positionBytes: ID_BYTES },
  id: { tag: "i", positionBytes: ID_BYTES },
};

/** Chooses the order for a filter. */
export function listOrder(filter: TaskFilter): ListOrder {
  const [state, ...others] = filter.states ?? [];
  if (state === undefined || others.length > 0) return { kind: "id" };
  if (state === "RUNNING") return { kind: "running" };
  const { queue } = filter;
  if (queue === undefined) return { kind: "id" };
  if (state === "PENDING") return { kind: "ready", queue };
  if (state === "SCHEDULED" || state === "RETRYING") return { kind: "due" };
  return { kind: "ended", queue, state };
}

/** Whether a task matches everything that the filter sets. */
export function matches(task: StoredTask, filter: TaskFilter): boolean {
  if (filter.queue !== undefined && task.queue !== filter.queue) return false;
  if (filter.states !== undefined && filter.states.length > 0 && !filter.states.includes(task.state)) return false;
  if (filter.type !== undefined && task.type !== filter.type) return false;
  if (filter.fromMs !== undefined && task.submittedMs < filter.fromMs) return false;
  if (filter.untilMs !== undefined && task.submittedMs >= filter.untilMs) return false;
  return Object.entries(filter.attributes ?? {}).every(
    ([name, value]) => Object.hasOwn(task.attributes, name) && task.attributes[name] === value,
  );
}

/**
 * Fills a page. `candidates(after)` gives those of the order that come after a position (of all, when undefined), in the
 * direction of the query. Throws `InvalidCursorError`.
 */
export function fillPage(
  query: ListQuery,
  order: ListOrder,
  candidates: (after: string | undefined) => Iterable<Candidate>,
): ListPage {
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, order.kind);
  const tasks: StoredTask[] = [];
  let scanned = 0;
  let scannedBytes = 0;
  let last = "";
  for (const candidate of candidates(after)) {
    if (tasks.length >= query.limit || scanned >= query.scanLimit || scannedBytes >= MAX_PAGE_SCAN_BYTES) {
      return { tasks, cursor: encodeCursor(order.kind, last) };
    }
    scanned += 1;
    last = candidate.position;
    const task = candidate.read();
    if (task === undefined) continue;
    scannedBytes += sizeOf(task);
    if (matches(task, query.filter)) tasks.push(task);
  }
  return { tasks };
}

/** About how much of the disk and of memory a task takes. */
function sizeOf({ spec, result, history }: StoredTask): number {
  return history.reduce((sum, { error }) => sum + error.details.length, spec.length + (result?.output.length ?? 0));
}

function encodeCursor(kind: ListOrder["kind"], position: string): string {
  return Buffer.from(CURSORS[kind].tag + position, "latin1").toString("base64url");
}

function decodeCursor(cursor: string, kind: ListOrder["kind"]): string {
  const { tag, positionBytes } = CURSORS[kind];
  const text = Buffer.from(cursor, "base64url").toString("latin1");
  const position = text.slice(tag.length);
  // Decoding skips what is not base64url: only a cursor that encodes back to itself was made here.
  if (!text.startsWith(tag) || position.length !== positionBytes || encodeCursor(kind, position) !== cursor) {
    throw new InvalidCursorError("the page cursor is not from this list: start again without one");
  }
  return position;
}
