/** What `sluice top` knows of the node at one moment. */
import type { Look } from "../stats/rates.ts";

/** The figures, and whether they are still fresh. */
export interface TopFigures {
  /** The last answer of the node; undefined when there was none yet. */
  readonly look: Look | undefined;
  /** The answer before it from the same start of the node: the two give rates. */
  readonly earlier: Look | undefined;
  /** Why there is no newer answer; undefined while the node answers. */
  readonly problem: string | undefined;
}

/** Before the first answer. */
export const NO_FIGURES: TopFigures = { look: undefined, earlier: undefined, problem: undefined };

/** The figures with one more answer. */
export function withLook(figures: TopFigures, look: Look): TopFigures {
  const { look: before } = figures;
  // Totals begin again with each start of a node.
  const isSameStart = before?.stats.node?.epoch === look.stats.node?.epoch;
  return { look, earlier: isSameStart ? before : undefined, problem: undefined };
}
