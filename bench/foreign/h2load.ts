/** Reading what h2load prints. */

/** Its figures. */
export interface H2loadFigures {
  readonly callsPerSecond: number;
  /** Calls answered with an HTTP status of success. It does not look at the gRPC status in the trailers. */
  readonly succeeded: number;
}

/** Throws when the text is not that of a complete run. */
export function parseH2load(text: string): H2loadFigures {
  const rate = /finished in [^,]+, ([\d.]+) req\/s/.exec(text)?.[1];
  const succeeded = /requests: .* (\d+) succeeded/.exec(text)?.[1];
  if (rate === undefined || succeeded === undefined) throw new Error(`h2load did not finish:\n${text}`);
  return { callsPerSecond: Number(rate), succeeded: Number(succeeded) };
}
