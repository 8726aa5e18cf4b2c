/** The node's log: pino, one line per event, on standard output. */
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from "pino";
import { PinoPretty } from "pino-pretty";
import type { LogLevel } from "../../engine/log.ts";
import type { Config } from "../config/schema.ts";
import { colourAllowed } from "../output/colour.ts";
import type { Terminal } from "../terminal.ts";
import { EVENT_MESSAGES, type LogEvent } from "./events.ts";

/** Writes one event. The message is what the event means, unless there is more to say. */
export type NodeLog = (
  level: LogLevel | "fatal",
  event: LogEvent,
  fields: Readonly<Record<string, unknown>>,
  message?: string,
) => void;

/** The file descriptor of standard output. */
const STDOUT = 1;

/** Makes the logger that the configuration asks for. Lines are written at once: the last words before an exit count most. */
export function createLogger(config: Pick<Config, "logLevel" | "logFormat">, terminal: Terminal): Logger {
  const pretty = config.logFormat === "pretty" || (config.logFormat === "auto" && terminal.out.isTerminal);
  return pino(
    {
      level: config.logLevel,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pretty ? prettyStream(terminal) : destination({ dest: STDOUT, sync: true }),
  );
}

function prettyStream(terminal: Terminal): DestinationStream {
  return PinoPretty({
    destination: STDOUT,
    sync: true,
    colorize: colourAllowed(terminal.out, terminal.env),
    translateTime: "SYS:HH:MM:ss.l",
    ignore: "pid,hostname",
    singleLine: true,
  });
}

/** Events on a logger: the name goes to the field `event`, what it means becomes the message. */
export function eventLog(logger: Logger): NodeLog {
  return (level, event, fields, message) => logger[level]({ event, ...fields }, message ?? EVENT_MESSAGES[event]);
}
