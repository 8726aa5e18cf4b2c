/**
 * How the program ends: its exit statuses, and the errors that choose one.
 *
 * Documented in `sluice --help`. A signal that ends the program at once (the second SIGINT or SIGTERM) gives 128 plus the
 * number of the signal, as shells do: 130 or 143.
 */

/** Everything was done. */
export const EXIT_OK = 0;
/** The command was understood and failed. */
export const EXIT_FAILED = 1;
/** The command line or the configuration is wrong; nothing was tried. */
export const EXIT_USAGE = 2;

/** The command line or the configuration is wrong: exit status 2. The message says what to write instead. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The command failed in an expected way: exit status 1. The message tells the user what to do next. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** The command has printed what there is to say and ends with this status. */
export class ExitStatus extends Error {
  override readonly name = "ExitStatus";
  readonly status: number;

  constructor(status: number) {
    super(`exit status ${status}`);
    this.status = status;
  }
}
