/**
 * Checks the data file before and after LMDB opens it: LMDB takes the process down with a segmentation fault or a bus error
 * where an error message is wanted.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { StoreOpenError } from "../port.ts";

const DATA_FILE = "data.mdb";
/** The file begins with two pages that each describe the data; the younger valid one counts. */
const META_PAGES = 2;
/** Where the description begins within its page, and its fields within the description. */
const META_OFFSET = 24;
const MAGIC_OFFSET = 0;
const VERSION_OFFSET = 4;
const PAGE_BYTES_OFFSET = 24;
const META_BYTES = 64;
const MAGIC = 0xbeefc0de;
const VERSION = 2;
/** The upper half of the version holds flags. */
const VERSION_MASK = 0xffff;

/** Throws `StoreOpenError` when the file is there and is not one of LMDB. */
export function requireDataFile(directory: string): void {
  const size = fileBytes(directory);
  if (size === 0) return;
  const file = openSync(join(directory, DATA_FILE), "r");
  try {
    const first = readMeta(file, 0);
    const pageBytes = first.readUInt32LE(PAGE_BYTES_OFFSET);
    const metas = [first, readMeta(file, pageBytes)];
    if (size < META_PAGES * pageBytes || !metas.every(isMeta)) throw damaged(directory, `${DATA_FILE} is no LMDB file`);
  } finally {
    closeSync(file);
  }
}

/** Throws `StoreOpenError` when the file ends before its last page. `stats`: of the open environment. */
export function requireWholeDataFile(
  directory: string,
  stats: { readonly lastPageNumber?: unknown; readonly root?: { readonly pageSize?: unknown } },
): void {
  const neededBytes = (Number(stats.lastPageNumber) + 1) * Number(stats.root?.pageSize);
  const size = fileBytes(directory);
  if (size < neededBytes) {
    throw damaged(directory, `${DATA_FILE} is cut off, it has ${size} bytes and should have ${neededBytes}`);
  }
}

/** What LMDB says of a tree of pages; of the environment, with the last page of the file and the list of free ones. */
interface TreeStats {
  readonly pageSize?: unknown;
  readonly treeBranchPageCount?: unknown;
  readonly treeLeafPageCount?: unknown;
  readonly overflowPages?: unknown;
}

/** Bytes of pages in the file that hold nothing: what deleted entries have left. `root`: of the open environment. */
export function reusableBytes(
  root: TreeStats & { readonly lastPageNumber?: unknown; readonly free?: TreeStats },
  tables: readonly TreeStats[],
): number {
  const used = [root, root.free ?? {}, ...tables].reduce((sum, tree) => sum + pagesOf(tree), META_PAGES);
  return Math.max(0, Number(root.lastPageNumber) + 1 - used) * Number(root.pageSize);
}

function pagesOf({ treeBranchPageCount, treeLeafPageCount, overflowPages }: TreeStats): number {
  return Number(treeBranchPageCount) + Number(treeLeafPageCount) + Number(overflowPages);
}

function fileBytes(directory: string): number {
  return statSync(join(directory, DATA_FILE), { throwIfNoEntry: false })?.size ?? 0;
}

function readMeta(file: number, pageStart: number): Buffer {
  const meta = Buffer.alloc(META_BYTES);
  readSync(file, meta, 0, META_BYTES, pageStart + META_OFFSET);
  return meta;
}

function isMeta(meta: Buffer): boolean {
  const version = meta.readUInt32LE(VERSION_OFFSET) & VERSION_MASK;
  return meta.readUInt32LE(MAGIC_OFFSET) === MAGIC && version === VERSION;
}

function damaged(directory: string, reason: string): StoreOpenError {
  return new StoreOpenError(
    `the data in ${directory} is damaged: ${reason}. Restore it from a backup, or start with an empty directory.`,
  );
}
