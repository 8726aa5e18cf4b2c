/** Log messages as a fleet of services writes them: what the demo and `sluice submit --random` submit. */

/** One message. */
export interface LogMessage {
  readonly level: "debug" | "info" | "warn" | "error";
  /** The service that wrote it. */
  readonly source: string;
  readonly message: string;
  /** ISO 8601. */
  readonly time: string;
}

type Template = (pick: Pick) => string;

/** Chooses among values and numbers; the only randomness here. */
interface Pick {
  of(values: readonly string[]): string;
  /** A whole number from `min` to `max`. */
  number(min: number, max: number): number;
}

const SOURCES = ["api-gateway", "auth", "billing", "cart", "inventory", "mailer", "payments", "search"] as const;
const PATHS = ["/v1/orders", "/v1/users/me", "/v1/cart/items", "/v1/search", "/healthz", "/v1/payments"] as const;
const METHODS = ["GET", "GET", "GET", "POST", "PUT", "DELETE"] as const;

/** How often each level is written, in percent; sums to 100. */
const LEVELS = [
  { level: "info", percent: 62 },
  { level: "debug", percent: 20 },
  { level: "warn", percent: 12 },
  { level: "error", percent: 6 },
] as const;

const address = (pick: Pick): string => `10.${pick.number(0, 9)}.${pick.number(0, 255)}.${pick.number(1, 254)}`;

const TEMPLATES: Readonly<Record<LogMessage["level"], readonly Template[]>> = {
  debug: [
    (pick) => `cache hit key=user:${pick.number(1000, 99_999)} age=${pick.number(1, 300)}s`,
    (pick) => `pool size=${pick.number(5, 50)} idle=${pick.number(0, 20)}`,
  ],
  info: [
    (pick) => `${pick.of(METHODS)} ${pick.of(PATHS)} 200 in ${pick.number(2, 180)} ms from ${address(pick)}`,
    (pick) =>
      `order ${pick.number(100_000, 999_999)} confirmed total=${pick.number(5, 400)}.${pick.number(10, 99)} EUR`,
    (pick) => `user ${pick.number(1000, 99_999)} signed in from ${address(pick)}`,
  ],
  warn: [
    (pick) => `slow query took ${pick.number(800, 6000)} ms table=orders rows=${pick.number(1, 90_000)}`,
    (pick) => `${pick.of(METHODS)} ${pick.of(PATHS)} 429 in ${pick.number(1, 9)} ms from ${address(pick)}`,
    (pick) => `retry ${pick.number(2, 5)} of 5 after timeout to ${address(pick)}:5432`,
  ],
  error: [
    (pick) => `connection to ${address(pick)}:5432 refused`,
    (pick) => `payment ${pick.number(100_000, 999_999)} declined: insufficient funds`,
    (pick) => `${pick.of(METHODS)} ${pick.of(PATHS)} 500 in ${pick.number(20, 900)} ms: TypeError: id is undefined`,
  ],
};

/**
 * Makes a message.
 * @param random numbers from 0 to below 1
 * @param time when it was written
 */
export function makeLogMessage(random: () => number, time: Date): LogMessage {
  const number = (min: number, max: number): number => min + Math.floor(random() * (max - min + 1));
  const pick: Pick = { number, of: (values) => values[number(0, values.length - 1)] ?? "" };
  const level = pickLevel(random() * 100);
  const templates = TEMPLATES[level];
  const template = templates[number(0, templates.length - 1)];
  return {
    level,
    source: pick.of(SOURCES),
    message: template?.(pick) ?? "",
    time: time.toISOString(),
  };
}

function pickLevel(percent: number): LogMessage["level"] {
  let below = 0;
  for (const entry of LEVELS) {
    below += entry.percent;
    if (percent < below) return entry.level;
  }
  return "info";
}
