/**
 * Responsible for: what a weight means to the virtual times of `share.ts` and `fairness.ts`.
 */

/**
 * How far one task moves the virtual time of somebody with this weight. Throws for a weight that is not a finite number
 * greater than 0, or so small that the step would be infinite; adapters refuse those before.
 */
export function stepOf(weight: number): number {
  const step = 1 / weight;
  if (!(weight > 0 && step > 0 && step < Number.POSITIVE_INFINITY)) {
    throw new Error(`a weight must be a finite number greater than 0, got ${weight}`);
  }
  return step;
}
