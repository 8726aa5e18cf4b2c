/**
 * Listens in on the Work streams of this process: what the SDK's analyzers really write and read, below everything that
 * the SDK makes of it.
 *
 *  T1  What is sent is told before it is written, so that a process that is killed in between has told too much, never too
 *      little.
 */
import { createRequire } from "node:module";
import { isMessage } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream } from "@grpc/grpc-js";
import { WorkRequestSchema, WorkResponseSchema } from "@sluice/client/contract";
import type { HistoryEvent } from "../history.ts";
import { eventsReceived, eventsSent } from "./frame-events.ts";

/** Gets what is heard. */
export type Tell = (event: HistoryEvent) => void;

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
