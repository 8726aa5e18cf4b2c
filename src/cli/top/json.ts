/** The figures of `sluice top --json`: what the node says of itself, with rates. */
import { toJson } from "@bufbuild/protobuf";
import { GetStatsResponseSchema } from "@sluice/client/contract";
import { ratesBetween } from "../stats/rates.ts";
import type { TopFigures } from "./figures.ts";

/**
 * One line of JSON: the fields of GetStatsResponse, `time`, `problem` (null while the node answers) and `rates`: per queue
 * the tasks submitted and completed per second, null when there is nothing to compare with.
 */
export function topJson({ look, earlier, problem }: TopFigures, time: Date): string {
  const isFresh = look !== undefined && problem === undefined;
  const stats = isFresh ? toJson(GetStatsResponseSchema, look.stats, { alwaysEmitImplicit: true }) : {};
  const rates = isFresh && earlier !== undefined ? Object.fromEntries(ratesBetween(earlier, look)) : null;
  const fields = typeof stats === "object" && stats !== null ? stats : {};
  return JSON.stringify({ time: time.toISOString(), problem: problem ?? null, ...fields, rates });
}
