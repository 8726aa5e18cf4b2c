/**
 * What a log message is about, by the words in it.
 */
import type { LogRecord } from "./format.ts";

/** See the top of the file. */
export type Category = "security" | "database" | "network" | "storage" | "resources" | "http" | "application";

/** Words of each category. The one with most of them wins; of several, the first. */
const RULES: readonly { readonly category: Category; readonly words: RegExp }[] = [
  {
    category: "security",
    words:
      /\b(?:auth\w*|log[io]n failed|failed log[io]n|passwords?|permission denied|access denied|unauthori[sz]ed|forbidden|certificates?|credentials?|invalid user|sudo|firewall|csrf|tokens?)\b/gi,
  },
  {
    category: "database",
    words:
      /\b(?:database|sql|postgres\w*|mysql|mariadb|sqlite|mongo\w*|redis|quer(?:y|ies)|deadlocks?|transactions?|replicas?|tables?|rollback)\b/gi,
  },
  {
    category: "network",
    words:
      /\b(?:connections?|connect|sockets?|dns|unreachable|timed? ?out|refused|reset by peer|network|gateway|proxy|tls|ssl|econn\w+|etimedout|enotfound)\b/gi,
  },
  {
    category: "storage",
    words:
      /\b(?:disks?|file ?systems?|files?|director(?:y|ies)|no space left|i\/o|fsync|quota|volumes?|mount\w*|enospc|enoent|checksum)\b/gi,
  },
  {
    category: "resources",
    words:
      /\b(?:memory|oom|heap|cpu|load average|threads?|swap|file descriptors|emfile|garbage collect\w*|out of memory)\b/gi,
  },
  {
    category: "http",
    words: /\b(?:https?|(?:GET|POST|PUT|PATCH|DELETE|HEAD) \/\S*|requests?|responses?|status [1-5]\d\d)\b/g,
  },
];
/** Statuses that mean: not you. */
const REFUSED_STATUSES = new Set([401, 403]);

/** The category of a record: what its format says, else the words of its message, else `application`. */
export function categoryOf({ message, httpStatus, isSecurity }: LogRecord): Category {
  if (isSecurity === true || (httpStatus !== undefined && REFUSED_STATUSES.has(httpStatus))) return "security";
  if (httpStatus !== undefined) return "http";
  let best: { readonly category: Category; readonly hits: number } = { category: "application", hits: 0 };
  for (const { category, words } of RULES) {
    const hits = message.match(words)?.length ?? 0;
    if (hits > best.hits) best = { category, hits };
  }
  return best.category;
}
