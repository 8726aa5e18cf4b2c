/**
 * How a long-running command is told to stop.
 *
 *  G1  The first SIGINT or SIGTERM asks for an orderly stop.
 *  G2  The second one ends the process at once with 128 plus its number: 130 or 143.
 *  G3  A process that was started with an IPC channel (the demo's) also stops when its parent is gone.
 */

const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

type StopSignal = keyof typeof SIGNAL_NUMBERS;

/** Why the command stops. */
export type StopReason = StopSignal | "parent ended";

/** Exit status of a command that was cut short: 130 after SIGINT, 143 after SIGTERM, as shells have it. */
export function interruptedStatus(reason: StopReason): number {
  return 128 + SIGNAL_NUMBERS[reason === "parent ended" ? "SIGTERM" : reason];
}

/** Resolves with the first reason to stop. Signals are watched from the call until the process ends. */
export function stopRequested(): Promise<StopReason> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: StopSignal): void => {
      if (asked) process.exit(128 + SIGNAL_NUMBERS[signal]);
      asked = true;
      resolve(signal);
    };
    process.on("SIGINT", () => onSignal("SIGINT"));
    process.on("SIGTERM", () => onSignal("SIGTERM"));
    if (process.channel !== undefined) {
      process.once("disconnect", () => {
        asked = true;
        resolve("parent ended");
      });
    }
  });
}
