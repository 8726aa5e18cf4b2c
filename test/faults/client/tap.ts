/**
 * Listens in on the Work streams of this process: what the SDK's analyzers really write and read, below everything that
 * the SDK makes of it.
 *
 *  T1  What is sent is told before it is written, so that a process that is killed in between has told too much, never too
 *      little.
 */
import { createRequire } from "node:module";
import { crc32 } from "node:zlib";
import { isMessage } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream } from "@grpc/grpc-js";
import {
  HeldState,
  type WorkRequest,
  WorkRequestSchema,
  type WorkResponse,
  WorkResponseSchema,
} from "@sluice/client/contract";
import type { HistoryEvent } from "../history.ts";

/** Gets what is heard. */
export type Tell = (event: HistoryEvent) => void;

const HELD_STATES = new Map<HeldState, "ADOPTED" | "RECORDED" | "LOST">([
  [HeldState.ADOPTED, "ADOPTED"],
  [HeldState.RECORDED, "RECORDED"],
  [HeldState.LOST, "LOST"],
]);

/** From now on tells what every Work stream of this process carries. */
export function tapWorkStreams(tell: Tell): void {
  Client.prototype.makeBidiStreamRequest = new Proxy(Client.prototype.makeBidiStreamRequest, {
    apply: (open, client, args) => {
      const stream: ClientDuplexStream<unknown, unknown> = Reflect.apply(open, client, args);
      tapStream(stream, tell);
      return stream;
    },
  });
}

/** From now on every client has a connection of its own, as if it were alone in its process. */
export function separateConnections(): void {
  const pools: typeof import("@grpc/grpc-js/build/src/subchannel-pool.js") = createRequire(import.meta.url)(
    "@grpc/grpc-js/build/src/subchannel-pool.js",
  );
  Object.assign(pools, { getSubchannelPool: () => new pools.SubchannelPool() });
}

function tapStream(stream: ClientDuplexStream<unknown, unknown>, tell: Tell): void {
  let analyzer = "";
  stream.write = new Proxy(stream.write, {
    apply: (write, self, args: unknown[]) => {
      const [frame] = args;
      if (isMessage(frame, WorkRequestSchema)) {
        analyzer = frame.hello?.analyzerId ?? analyzer;
        for (const event of eventsSent(frame, analyzer)) tell(event);
      }
      return Reflect.apply(write, self, args);
    },
  });
  stream.on("data", (frame: unknown) => {
    if (!isMessage(frame, WorkResponseSchema)) return;
    for (const event of eventsReceived(frame, analyzer)) tell(event);
  });
}

function eventsSent({ results, releases }: WorkRequest, analyzer: string): HistoryEvent[] {
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

function eventsReceived({ welcome, deliveries, receipts }: WorkResponse, analyzer: string): HistoryEvent[] {
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
