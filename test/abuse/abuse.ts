/** What an abuse is: something a client does that no client should. */

/** Whom it is done to. */
export interface Target {
  readonly port: number;
  /** The time is over: stop and clean up. */
  readonly signal: AbortSignal;
}

/** One kind of abuse. */
export interface Abuse {
  readonly name: string;
  /** What ends or bounds it: names from docs/limits.md, or of the library that has the limit. */
  readonly limit: string;
  /** How its connections, streams or calls may end; each must be one of these, and there must be some. */
  readonly expects: readonly string[];
  /** It takes this long until the limit is reached; 0: no time worth mentioning. */
  readonly reachedAfterMs?: number;
  /** Goes on until the signal, or until there is nothing more to do. Resolves with how its parts have ended. */
  run(target: Target): Promise<readonly string[]>;
}

/** Repeats until the time is over, and gives all endings. */
export async function repeat(
  signal: AbortSignal,
  once: (signal: AbortSignal) => Promise<readonly string[]>,
): Promise<string[]> {
  const endings: string[] = [];
  do endings.push(...(await once(signal)));
  while (!signal.aborted);
  return endings;
}

/** Does it several times at once. */
export async function sideBySide(
  count: number,
  each: (index: number) => Promise<readonly string[]>,
): Promise<string[]> {
  return (await Promise.all(Array.from({ length: count }, (_, index) => each(index)))).flat();
}
