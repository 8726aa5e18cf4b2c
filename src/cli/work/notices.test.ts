import { SluiceClientError } from "@sluice/client";
import { describe, expect, it } from "vitest";
import { eventNotices } from "./notices.ts";

const ADDRESS = "127.0.0.1:7070";
const away = {
  kind: "detached",
  address: ADDRESS,
  error: new SluiceClientError("UNAVAILABLE", "x"),
  retryInMs: 1,
} as const;
const attached = { kind: "attached", address: ADDRESS, sessionId: "1-1", maxInFlight: 4, held: 0 } as const;

describe("what an analyzer tells of its life", () => {
  it("is one line per outage, however often it tries", () => {
    const lines: string[] = [];
    const tell = eventNotices([ADDRESS], (line) => lines.push(line));
    for (const event of [away, away, attached, away, away, attached]) tell(event);
    expect(lines).toEqual([
      "waiting: no node at 127.0.0.1:7070; start one with 'sluice serve', or name another with --address",
      "attached to 127.0.0.1:7070, up to 4 tasks at a time",
      "waiting: no node at 127.0.0.1:7070; start one with 'sluice serve', or name another with --address",
      "attached to 127.0.0.1:7070, up to 4 tasks at a time",
    ]);
  });

  it("names failed attempts and work that no longer counts", () => {
    const lines: string[] = [];
    const tell = eventNotices([ADDRESS], (line) => lines.push(line));
    tell({
      kind: "taskFailed",
      traceId: undefined,
      taskId: "7",
      attempt: 2,
      code: "EXIT_STATUS",
      message: "exit status 1",
    });
    tell({ kind: "leaseLost", traceId: undefined, taskId: "7", lease: 1n, reason: "TIMEOUT" });
    tell({ kind: "leaseLost", traceId: "4bf9", taskId: "7", lease: 1n, reason: "STALE" });
    tell({ kind: "drained", abandoned: 0 });
    tell({ kind: "drained", abandoned: 2 });
    expect(lines).toEqual([
      "task 7: attempt 2 failed with EXIT_STATUS: exit status 1",
      "task 7: the work no longer counts (TIMEOUT)",
      "task 7 (trace 4bf9): the work no longer counts (STALE)",
      "2 tasks not finished in time: handed back",
    ]);
  });
});
