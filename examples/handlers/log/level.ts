/**
 * How grave a log message is, in the words and numbers of syslog (RFC 5424, section 6.2.1).
 */

/** Levels by their severity, 0 to 7: the lower the graver. */
export const LEVELS = ["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"] as const;

/** See the top of the file. */
export type Level = (typeof LEVELS)[number];

const NAMES: Readonly<Record<Level, readonly string[]>> = {
  emergency: ["emergency", "emerg", "panic"],
  alert: ["alert"],
  critical: ["critical", "crit", "fatal"],
  error: ["error", "err", "severe"],
  warning: ["warning", "warn"],
  notice: ["notice"],
  info: ["info", "information", "informational"],
  debug: ["debug", "trace", "verbose", "fine"],
};
const BY_NAME = new Map(LEVELS.flatMap((level) => NAMES[level].map((name) => [name, level] as const)));

/** Bunyan and pino number their levels from 10 (trace) to 60 (fatal). */
const BY_TENS: readonly Level[] = ["debug", "debug", "info", "warning", "error", "critical"];

/** Every name of a level, for patterns. */
export const LEVEL_NAMES: readonly string[] = [...BY_NAME.keys()];

/** The severity of a level, 0 to 7. */
export function severityOf(level: Level): number {
  return LEVELS.indexOf(level);
}

/** The level that a name or number stands for, whatever library wrote it. */
export function levelOf(value: unknown): Level | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const name = String(value).trim().toLowerCase();
  if (!/^\d+$/.test(name)) return BY_NAME.get(name);
  const number = Number(name);
  return number < LEVELS.length ? LEVELS[number] : BY_TENS[Math.floor(number / 10) - 1];
}

/** The level of an answer with an HTTP status. */
export function levelOfStatus(status: number): Level {
  if (status >= 500) return "error";
  return status >= 400 ? "warning" : "info";
}
