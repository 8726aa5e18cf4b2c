/** A task of the contract as a finding of the history. */
import { crc32 } from "node:zlib";
import type { Task } from "@sluice/client/contract";
import { TaskState } from "@sluice/client/contract";
import type { Finding } from "../history.ts";

const STATE_NAMES = new Map<number, string>(Object.entries(TaskState).map(([name, number]) => [number, name]));

interface Timestamp {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** @param hasPayload - the answer was asked for with payloads and outputs */
export function findingOf(task: Task, hasPayload: boolean): Finding {
  return {
    task: task.spec?.id ?? "",
    state: STATE_NAMES.get(task.state) ?? "UNKNOWN",
    attempts: task.attempts,
    analyzer: task.analyzerId,
    lease: leaseOf(task.result?.output),
    endMs: msOf(task.endTime),
    charges: task.history.map(({ number, analyzerId, error, startTime, endTime }) => ({
      number,
      analyzer: analyzerId,
      code: error?.code ?? "",
      startMs: msOf(startTime),
      endMs: msOf(endTime),
    })),
    crc: hasPayload ? crc32(task.spec?.payload ?? new Uint8Array()) : undefined,
  };
}

/** The output of a crew's handler: the number of its lease. */
function leaseOf(output: Uint8Array | undefined): number {
  if (output === undefined || output.length === 0) return 0;
  return Number(Buffer.from(output).toString("utf8"));
}

function msOf(time: Timestamp | undefined): number {
  return time === undefined ? 0 : Number(time.seconds) * 1000 + Math.floor(time.nanos / 1_000_000);
}
