/** Clients that ask for much and read nothing. */

import { Analyzer } from "@sluice/client";
import {
  AdminService,
  CancelTasksRequestSchema,
  DistributorService,
  ListTasksRequestSchema,
  TaskService,
  WatchStatsRequestSchema,
  WorkRequestSchema,
} from "@sluice/client/contract";
import { encode, pathOf, RawClient } from "../../support/raw-client.ts";
import { type Abuse, sideBySide, type Target } from "../abuse.ts";
import { callHeaders, dataFrames, frame, message, opening, TYPE } from "../frames.ts";
import { pause, RawPeer } from "../raw-peer.ts";

const QUEUE = "unread";
const TASKS = 100;
const PAYLOAD_BYTES = 256 * 1024;
/** As large as a flow-control window can be: only the socket holds the node back. */
const LARGEST_WINDOW = 0x7fffffff;
/** What the two sockets hold besides the node: of the tasks pushed to somebody who does not read, this many may be gone. */
const MOST_UNREAD = 60;
const UNREAD_CALLS = 900;
const PEERS = 4;
const PATIENCE_MS = 15_000;

/** Tasks of a size that fills sockets. */
async function fill({ port }: Target): Promise<void> {
  using client = new RawClient(port);
  const task = { queue: QUEUE, payload: new Uint8Array(PAYLOAD_BYTES) };
  await sideBySide(TASKS, async () => {
    await client.unary(DistributorService.method.submit, { task });
    return [];
  });
}

async function empty({ port }: Target): Promise<void> {
  using client = new RawClient(port);
  const request = encode(CancelTasksRequestSchema, { selection: { filter: { queue: QUEUE } }, limit: 10_000 });
  await client.call(TaskService.method.cancelTasks, request);
}

/** A connection that takes everything and reads nothing. */
function deaf({ port }: Target): RawPeer {
  const window = Buffer.alloc(4);
  window.writeUInt32BE(LARGEST_WINDOW - 65_535);
  const greeting = Buffer.concat([opening(LARGEST_WINDOW), frame(TYPE.window, 0, 0, window)]);
  return new RawPeer({ port, greeting, reads: false });
}

/** Many calls of one method on connections that are never read. */
async function unreadCalls(target: Target, path: string, request: Buffer): Promise<readonly string[]> {
  await fill(target);
  const endings = await sideBySide(PEERS, async () => {
    using peer = deaf(target);
    await peer.greeted;
    for (let call = 0; call < UNREAD_CALLS && !peer.isClosed; call++) {
      const stream = 1 + 2 * call;
      await peer.write(Buffer.concat([callHeaders(stream, path), dataFrames(stream, message(request))]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.race([peer.closed, pause(PATIENCE_MS, target.signal)]);
    return [peer.ending];
  });
  await empty(target);
  return endings;
}

/** Resolves when this many tasks have been handled by somebody who reads, or never if they do not come. */
async function handledByOthers(target: Target, count: number): Promise<boolean> {
  let handled = 0;
  let enough = (): void => {};
  const reached = new Promise<boolean>((resolve) => {
    enough = () => resolve(true);
  });
  await using other = new Analyzer({
    address: `127.0.0.1:${target.port}`,
    id: "reads",
    queues: [QUEUE],
    handlers: () => {
      handled += 1;
      if (handled >= count) enough();
    },
  });
  await other.start();
  return await Promise.race([reached, pause(PATIENCE_MS).then(() => false)]);
}

export const READER_ABUSES: readonly Abuse[] = [
  {
    name: "an analyzer that never reads, while tasks are pushed to it",
    limit: "MAX_UNSENT_BYTES",
    expects: ["the others get the tasks"],
    run: async (target) => {
      using peer = deaf(target);
      await peer.greeted;
      await peer.write(callHeaders(1, pathOf(DistributorService.method.work)));
      const hello = { analyzerId: "deaf", queues: [{ queue: QUEUE }], weight: 1, maxInFlight: 10_000 };
      const greeting = encode(WorkRequestSchema, { hello, credit: 10_000 });
      await peer.write(dataFrames(1, message(greeting), undefined, false));
      await pause(100);
      await fill(target);
      const isWell = await handledByOthers(target, TASKS - MOST_UNREAD);
      await pause(PATIENCE_MS, target.signal);
      await empty(target);
      return [isWell ? "the others get the tasks" : "the tasks are stuck"];
    },
  },
  {
    name: "pages of tasks that are never read",
    limit: "MAX_HELD_BYTES",
    expects: ["closed"],
    run: (target) => {
      const request = encode(ListTasksRequestSchema, { filter: { queue: QUEUE }, pageSize: 1000 });
      return unreadCalls(target, pathOf(TaskService.method.listTasks), request);
    },
  },
  {
    name: "live figures that are never read",
    limit: "MAX_UNSENT_BYTES, MAX_HELD_BYTES",
    expects: ["closed", "open"],
    run: (target) => {
      const request = encode(WatchStatsRequestSchema, { intervalMs: 100 });
      return unreadCalls(target, pathOf(AdminService.method.watchStats), request);
    },
  },
];
