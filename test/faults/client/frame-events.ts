/** What a frame of a Work stream tells the history. */
import { crc32 } from "node:zlib";
import { HeldState, type WorkRequest, type WorkResponse } from "@sluice/client/contract";
import type { HistoryEvent } from "../history.ts";

const HELD_STATES = new Map<HeldState, "ADOPTED" | "RECORDED" | "LOST">([
  [HeldState.ADOPTED, "ADOPTED"],
  [HeldState.RECORDED, "RECORDED"],
  [HeldState.LOST, "LOST"],
]);

/** Of a frame that an analyzer sends. */
export function eventsSent({ results, releases }: WorkRequest, analyzer: string): HistoryEvent[] {
  const atMs = Date.now();
  return [
    ...results.map(({ lease, outcome }): HistoryEvent => {
      const kind = outcome.case === "success" ? "success" : "failure";
      return { kind: "sent", atMs, lease: Number(lease), analyzer, outcome: kind };
    }),
    ...releases.map((lease): HistoryEvent => {
      return { kind: "sent", atMs, lease: Number(lease), analyzer, outcome: "release" };
    }),
  ];
}

/** Of a frame that it has got. */
export function eventsReceived({ welcome, deliveries, receipts }: WorkResponse, analyzer: string): HistoryEvent[] {
  const atMs = Date.now();
  const events: HistoryEvent[] = [];
  for (const { lease, state } of welcome?.held ?? []) {
    const name = HELD_STATES.get(state);
    if (name !== undefined) events.push({ kind: "held", atMs, lease: Number(lease), analyzer, state: name });
  }
  for (const { lease, attempt, task } of deliveries) {
    const crc = crc32(task?.payload ?? new Uint8Array());
    events.push({ kind: "delivered", atMs, task: task?.id ?? "", lease: Number(lease), attempt, analyzer, crc });
  }
  for (const verdict of ["accepted", "stale"] as const) {
    for (const lease of receipts?.[verdict] ?? []) {
      events.push({ kind: "receipt", atMs, lease: Number(lease), analyzer, verdict });
    }
  }
  return events;
}
