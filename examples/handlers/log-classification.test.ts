import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classify, logClassification } from "./log-classification.ts";
import { failureOf, runHandler } from "./testing/run-handler.ts";

const ACCESS = '203.0.113.7 - frank [10/Oct/2000:13:55:36 -0700] "GET /index.html HTTP/1.1" 503 2326';
const COMBINED = `${ACCESS.replace("503", "403")} "http://example.org/" "Mozilla/5.0"`;

/** What the formats are made of, and what they are not. */
const ALPHABET = [
  "<",
  ">",
  "[",
  "]",
  "{",
  "}",
  '"',
  "\\",
  "=",
  ":",
  " ",
  "\n",
  "1",
  "34",
  "-",
  "Oct",
  "level",
  "é",
  "\uD800",
];

describe("the formats of log messages", () => {
  it("syslog by RFC 5424: the priority states the level", () => {
    const line =
      '<165>1 2003-10-11T22:14:15.003Z host1 evntslog - ID47 [x@32473 iut="3" note="a \\"] b"][y@1 z="1"] \uFEFFdisk full';
    expect(classify(line)).toEqual({
      format: "syslog",
      level: "notice",
      severity: 5,
      category: "storage",
      confidence: 1,
      message: "disk full",
      source: "evntslog",
    });
  });

  it("syslog by RFC 3164: the facility for authorisation is about security", () => {
    expect(classify("<34>Oct 11 22:14:15 mymachine su[231]: 'su root' failed for lonvick on /dev/pts/8")).toMatchObject(
      {
        format: "syslog",
        level: "critical",
        category: "security",
        confidence: 1,
        source: "su",
        message: "'su root' failed for lonvick on /dev/pts/8",
      },
    );
  });

  it("syslog as it stands in files: without its priority the words decide", () => {
    expect(classify("Nov  2 03:04:05 web1 sshd[99]: Failed password for invalid user admin")).toMatchObject({
      format: "syslog",
      level: "error",
      category: "security",
      confidence: 0.6,
      source: "sshd",
    });
  });

  it("logfmt", () => {
    expect(
      classify('ts=2026-01-01T00:00:00Z level=warn msg="slow \\"query\\" took 5s" component=db empty='),
    ).toMatchObject({
      format: "logfmt",
      level: "warning",
      category: "database",
      confidence: 1,
      message: 'slow "query" took 5s',
      source: "db",
    });
  });

  it("a sentence with an equals sign is not logfmt", () => {
    expect(classify("set a=1 and b=2").format).toBe("plain");
    expect(classify("a=1").format).toBe("plain");
  });

  it("Apache access log, common and combined: the status means a level", () => {
    expect(classify(ACCESS)).toMatchObject({
      format: "apache-access",
      level: "error",
      category: "http",
      confidence: 0.9,
      message: "GET /index.html HTTP/1.1",
      source: "203.0.113.7",
    });
    expect(classify(COMBINED)).toMatchObject({ level: "warning", category: "security" });
    expect(classify(ACCESS.replace("503", "200"))).toMatchObject({ level: "info", category: "http" });
  });

  it("Apache error log", () => {
    const line =
      "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 43286] [client 72.15.99.187] File does not exist: /x";
    expect(classify(line)).toMatchObject({
      format: "apache-error",
      level: "error",
      category: "storage",
      message: "File does not exist: /x",
      source: "core",
    });
  });

  it.each([
    [{ level: 50, msg: "deadlock detected", name: "orders" }, "error"],
    [{ level: 30, msg: "deadlock detected", name: "orders" }, "info"],
    [{ severity: "CRITICAL", message: "deadlock detected", service: "orders" }, "critical"],
    [{ PRIORITY: "4", MESSAGE: "deadlock detected", app: "orders" }, "warning"],
  ])("JSON, as pino, cloud loggers and journald write it: %j", async (record, level) => {
    expect(await runHandler(logClassification, record)).toEqual({
      format: "json",
      level,
      severity: expect.any(Number),
      category: "database",
      confidence: 1,
      message: "deadlock detected",
      source: "orders",
    });
  });

  it("JSON around a line of another format", () => {
    expect(classify(JSON.stringify({ log: `${ACCESS}\n`, service: "web" }))).toMatchObject({
      format: "apache-access",
      level: "error",
      source: "web",
    });
    expect(classify(JSON.stringify({ log: "ERROR no route", stream: "stderr" }))).toMatchObject({
      format: "json",
      level: "error",
      confidence: 0.9,
    });
    expect(classify('"<11>1 - - app - - - boom"')).toMatchObject({ format: "syslog", level: "error", message: "boom" });
  });
});

describe("a message in plain words", () => {
  it.each([
    ["2026-01-01 00:00:00,123 [main] WARN c.e.App - cache is cold", "warning", 0.9],
    ["[error] worker 3 stopped", "error", 0.9],
    ["fatal: not a git repository", "critical", 0.9],
    ["Traceback (most recent call last)", "error", 0.6],
    ["kernel: Out of memory: killed process 7", "critical", 0.6],
    ["request took 9 s, deprecated route", "warning", 0.6],
    ["backup finished with 0 errors", "info", 0.3],
    ["user ada signed in", "info", 0.3],
  ])("%s: %s", (text, level, confidence) => {
    expect(classify(text)).toMatchObject({ format: "plain", level, confidence });
  });

  it.each([
    ["permission denied for token of ada", "security"],
    ["connection reset by peer", "network"],
    ["no space left on volume data", "storage"],
    ["heap is 95 % full, memory is low", "resources"],
    ["POST /orders took 20 ms", "http"],
    ["the answer is 42", "application"],
  ])("%s: %s", (text, category) => {
    expect(classify(text).category).toBe(category);
  });

  it("is kept to a thousand characters", () => {
    expect(classify("x".repeat(5000)).message).toHaveLength(1000);
  });
});

describe("any text", () => {
  it("gets a classification", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 1, maxLength: 40 }), (text) => {
        const { severity, confidence } = classify(text);
        expect(severity).toBeGreaterThanOrEqual(0);
        expect(severity).toBeLessThanOrEqual(7);
        expect(confidence).toBeGreaterThan(0);
      }),
    );
  });

  it.each(["[".repeat(60_000), "a=".repeat(30_000), '<1>1 - - - - - ["'.padEnd(60_000, '\\"'), "a=1 ".repeat(15_000)])(
    "is classified in reasonable time, however it is made",
    (text) => {
      const startMs = performance.now();
      classify(text);
      expect(performance.now() - startMs).toBeLessThan(5000);
    },
  );

  it.each([["   "], ["x".repeat(65_537)], [Uint8Array.of(0xc3, 0x28)]])(
    "is refused for good when it is no message",
    async (payload) => {
      const error = await failureOf(logClassification, payload);
      expect(error).toMatchObject({ code: "INVALID_PAYLOAD", nonRetryable: true });
      expect(error.message).toMatch(/^expected /);
    },
  );
});
