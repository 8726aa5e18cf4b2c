/**
 * Recognises the format of a log message and takes it apart.
 */
import { LEVELS, type Level, levelOf } from "./level.ts";

/** What a log message was written in. */
export type LogFormat = "json" | "syslog" | "logfmt" | "apache-access" | "apache-error" | "plain";

/** A log message, taken apart. */
export interface LogRecord {
  readonly format: LogFormat;
  /** What is left for people to read. */
  readonly message: string;
  /** Who wrote it: program, module or service. */
  readonly source?: string | undefined;
  /** The level that the format states. */
  readonly level?: Level | undefined;
  /** The HTTP status of a request. */
  readonly httpStatus?: number | undefined;
  /** The format says that it is about security: a syslog facility for authorisation. */
  readonly isSecurity?: boolean;
}

const LEVEL_KEYS = ["level", "severity", "lvl", "loglevel", "log.level", "levelname", "priority"];
const MESSAGE_KEYS = ["message", "msg", "text", "log", "event", "error", "err"];
const SOURCE_KEYS = ["source", "logger", "service", "component", "app", "name"];

/** Combined and common access log: host, identity, user, time, request, status, bytes. */
const APACHE_ACCESS = /^(\S+) \S+ \S+ \[[^\]]+\] "((?:[^"\\]|\\.)*)" (\d{3}) (?:\d+|-)/;
/** Error log: time, module:level, any number of bracketed facts, message. */
const APACHE_ERROR = /^\[\w{3} \w{3} [ \d]\d [\d:.]+ \d{4}\] \[(?:([\w-]+):)?(\w+)\] (?:\[[^\]]*\] )*(.*)$/s;
/** RFC 5424: priority, version, time, host, program, process, message id, structured data, message. */
const SYSLOG = /^<(\d{1,3})>1 \S+ \S+ (\S+) \S+ \S+ (?:-|(?:\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*")*\])+) ?\uFEFF?(.*)$/s;
/** RFC 3164, also as it stands in files, where the priority is lost: time, host, program[process], message. */
const SYSLOG_BSD = /^(?:<(\d{1,3})>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ ([^\s:[\]]+)(?:\[\d+\])?: ?(.*)$/s;
const LOGFMT_PAIR = /\s*([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?=\s|$)/gy;

/** Facilities of syslog whose messages are about authorisation. */
const SECURITY_FACILITIES = new Set([4, 10, 13]);

/** Takes a message apart; what has no known format is `plain`. */
export function parseLog(text: string): LogRecord {
  const trimmed = text.trim();
  return parseJson(trimmed) ?? parseLine(trimmed);
}

function parseLine(line: string): LogRecord {
  return (
    parseAccess(line) ??
    parseApacheError(line) ??
    parseSyslog(line) ??
    parseLogfmt(line) ?? { format: "plain", message: line }
  );
}

function parseJson(text: string): LogRecord | undefined {
  if (!/^["{]/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value === "string") return parseLine(value.trim());
  if (typeof value !== "object" || value === null) return undefined;
  const record = recordOf("json", new Map(Object.entries(value).map(([key, field]) => [key.toLowerCase(), field])));
  if (record.level !== undefined) return record;
  // A collector's envelope around a line, as Docker's {"log": "..."}: the line may say more.
  const inner = parseLine(record.message.trim());
  return inner.format === "plain" ? record : { ...inner, source: record.source ?? inner.source };
}

function parseAccess(line: string): LogRecord | undefined {
  const match = APACHE_ACCESS.exec(line);
  if (match === null) return undefined;
  const [, source, request = "", status] = match;
  return { format: "apache-access", message: request, source, httpStatus: Number(status) };
}

function parseApacheError(line: string): LogRecord | undefined {
  const match = APACHE_ERROR.exec(line);
  if (match === null) return undefined;
  const [, source, level, message = ""] = match;
  return { format: "apache-error", message, source, level: levelOf(level) };
}

function parseSyslog(line: string): LogRecord | undefined {
  const match = SYSLOG.exec(line) ?? SYSLOG_BSD.exec(line);
  if (match === null) return undefined;
  const [, priority, source, message = ""] = match;
  if (priority === undefined) return { format: "syslog", message, source };
  // The priority is facility * 8 + severity.
  const number = Number(priority);
  const isSecurity = SECURITY_FACILITIES.has(Math.floor(number / LEVELS.length));
  return { format: "syslog", message, source, level: LEVELS[number % LEVELS.length], isSecurity };
}

function parseLogfmt(line: string): LogRecord | undefined {
  const fields = new Map<string, unknown>();
  let end = 0;
  for (const match of line.matchAll(LOGFMT_PAIR)) {
    const [pair, key = "", value = ""] = match;
    fields.set(key.toLowerCase(), value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1") : value);
    end = match.index + pair.length;
  }
  // Every word must be a pair, or it is a sentence with an equals sign.
  if (fields.size < 2 || end < line.length) return undefined;
  return recordOf("logfmt", fields);
}

function recordOf(format: "json" | "logfmt", fields: ReadonlyMap<string, unknown>): LogRecord {
  const message = firstText(fields, MESSAGE_KEYS) ?? [...fields].map(([key, value]) => `${key}=${value}`).join(" ");
  const level = LEVEL_KEYS.map((key) => levelOf(fields.get(key))).find((each) => each !== undefined);
  return { format, message, source: firstText(fields, SOURCE_KEYS), level };
}

function firstText(fields: ReadonlyMap<string, unknown>, keys: readonly string[]): string | undefined {
  return keys
    .map((key) => fields.get(key))
    .find((value) => typeof value === "string" && value !== "")
    ?.toString();
}
