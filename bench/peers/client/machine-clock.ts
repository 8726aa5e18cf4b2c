/** A monotonic clock that all processes of one machine share: a time taken in one may be compared with one of another. */

/** Milliseconds since the machine was started, with fractions. */
export function machineMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
