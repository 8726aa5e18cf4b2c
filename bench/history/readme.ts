/**
 * The blocks of the bench's README that are made from records. A block begins with a comment that names its record, and ends
 * with another; what lies between is never edited by hand:
 *
 *     <!-- record: results/peers-2026-01-31-0123456789ab.json -->
 *     <!-- end of record -->
 */
import type { RunRecord } from "./record.ts";
import { tableOf } from "./tables.ts";

const BLOCK = /<!-- record: (\S+) -->\n[\s\S]*?<!-- end of record -->/g;

/** File names of the records that a text shows, relative to it. */
export function recordsIn(text: string): string[] {
  return [...text.matchAll(BLOCK)].map((match) => match[1] ?? "");
}

/** The text with every block made anew. */
export function withBlocks(text: string, recordAt: (path: string) => RunRecord): string {
  return text.replace(BLOCK, (_block, path: string) => {
    const record = recordAt(path);
    const picture = record.kind === "peers" ? [`![${PICTURE_TEXT}](${plotPathOf(path)})`] : [];
    const body = [tableOf(record), ...picture].join("\n\n");
    return `<!-- record: ${path} -->\n\n${body}\n\n<!-- end of record -->`;
  });
}

/** Where the picture of a record is, relative to the text. */
export function plotPathOf(recordPath: string): string {
  return recordPath.replace(/\.json$/, ".svg");
}

/** The text with the block of this kind of record showing another one. Throws when there is no such block. */
export function withRecord(text: string, kind: string, path: string): string {
  let found = false;
  const changed = text.replace(BLOCK, (block, shown: string) => {
    if (!new RegExp(`(^|/)${kind}-[^/]*$`).test(shown)) return block;
    found = true;
    return block.replace(shown, path);
  });
  if (!found) throw new Error(`bench/README.md has no block for records of kind ${kind}`);
  return changed;
}

const PICTURE_TEXT = "The same figures as bars";
