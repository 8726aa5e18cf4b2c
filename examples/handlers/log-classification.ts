/**
 * `log-classification`: how grave a log message is and what it is about.
 *
 * Payload: one log message as text (syslog, logfmt, Apache access or error log, JSON, or just words), or a JSON record.
 *
 * The level is, in this order: what the format states; what the HTTP status means; a level's name where loggers write it;
 * what the words of the message suggest; `info`. Each step is less certain than the one before: see CONFIDENCE.
 */
import type { Handler } from "@sluice/client";
import { type Category, categoryOf } from "./log/category.ts";
import { type LogFormat, type LogRecord, parseLog } from "./log/format.ts";
import { LEVEL_NAMES, type Level, levelOf, levelOfStatus, severityOf } from "./log/level.ts";
import { invalidPayload, readText } from "./payload.ts";

/** What the handler returns. */
export interface Classification {
  readonly format: LogFormat;
  readonly level: Level;
  /** 0 (emergency) to 7 (debug), as in syslog. */
  readonly severity: number;
  readonly category: Category;
  /** How certain the level is: 0 to 1. */
  readonly confidence: number;
  /** The message without what the format adds, at most 1000 characters. */
  readonly message: string;
  /** Program, module, service or client that it came from. */
  readonly source?: string;
}

/** By how the level was found. Ranks, not measured probabilities. */
const CONFIDENCE = { stated: 1, status: 0.9, named: 0.9, suggested: 0.6, assumed: 0.3 } as const;

/** One message, not a file of them. */
const MAX_LOG_BYTES = 65_536;
const MAX_MESSAGE_CHARACTERS = 1000;
const EXPECTED = `one log message as text or as a JSON record, of 1 to ${MAX_LOG_BYTES} bytes`;

const NAME = LEVEL_NAMES.join("|");
/** In capitals anywhere, or at the beginning with a colon or in brackets, as loggers write it. */
const NAMED_LEVELS = [
  new RegExp(`(?:^|[\\s[(|<])(${NAME.toUpperCase()})(?=$|[\\s\\])|>:,])`),
  new RegExp(`^(?:\\[|<)?(${NAME})(?:\\]|>|:)`, "i"),
];
/** Words that suggest a level, the gravest first. */
const SUGGESTED_LEVELS: readonly { readonly level: Level; readonly words: RegExp }[] = [
  {
    level: "critical",
    words: /\b(?:panic|fatal|out of memory|oom|segfault|segmentation fault|corrupt\w*|data loss)\b/i,
  },
  {
    level: "error",
    words:
      /\b(?:errors?|fail(?:s|ed|ure|ures|ing)?|exception|traceback|refused|denied|unreachable|cannot|could not|unable|crash\w*)\b/i,
  },
  { level: "warning", words: /\b(?:warn\w*|deprecated|retry\w*|slow|timed? ?out|exceed\w*|almost|nearly|degraded)\b/i },
  { level: "debug", words: /\b(?:debug\w*|tracing|entering|leaving)\b/i },
];
/** "0 errors" is good news. */
const GOOD_NEWS = /\b(?:no|0|zero|without) (?:errors?|failures?|warnings?|exceptions?)\b/gi;

/** Classifies one message. */
export function classify(text: string): Classification {
  const record = parseLog(text);
  const { level, confidence } = findLevel(record);
  return {
    format: record.format,
    level,
    severity: severityOf(level),
    category: categoryOf(record),
    confidence,
    message: record.message.slice(0, MAX_MESSAGE_CHARACTERS),
    ...(record.source === undefined ? {} : { source: record.source }),
  };
}

/** See the top of the file. */
export const logClassification: Handler = (task): Classification => {
  const text = readText(task);
  if (text.trim() === "") throw invalidPayload(`expected ${EXPECTED}: it is empty`);
  const { length } = task.payload;
  if (length > MAX_LOG_BYTES) throw invalidPayload(`expected ${EXPECTED}: it has ${length} bytes`);
  return classify(text);
};

function findLevel({ level, httpStatus, message }: LogRecord): { level: Level; confidence: number } {
  if (level !== undefined) return { level, confidence: CONFIDENCE.stated };
  if (httpStatus !== undefined) return { level: levelOfStatus(httpStatus), confidence: CONFIDENCE.status };
  for (const pattern of NAMED_LEVELS) {
    const named = levelOf(pattern.exec(message)?.[1]);
    if (named !== undefined) return { level: named, confidence: CONFIDENCE.named };
  }
  const news = message.replaceAll(GOOD_NEWS, "");
  const suggested = SUGGESTED_LEVELS.find(({ words }) => words.test(news));
  if (suggested !== undefined) return { level: suggested.level, confidence: CONFIDENCE.suggested };
  return { level: "info", confidence: CONFIDENCE.assumed };
}
