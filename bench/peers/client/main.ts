/**
 * A client process of the bench: producer or consumer, as it is asked. All systems are measured with one of each, so that
 * the processor time of clients and servers can be told apart.
 */
import { ownCpuMs } from "../../cpu.ts";
import { loadAdapter } from "../adapters/index.ts";
import type { Consumer, Producer } from "./adapter.ts";
import { machineMs } from "./machine-clock.ts";
import { keepPace } from "./pacer.ts";
import { Progress, submitClosed, submitOpen } from "./producing.ts";
import type { ClientStart, Handled, ProgressNote, Reply, Request, Requests } from "./protocol.ts";
import { CONSUMER_SHAPE } from "./shape.ts";
import { Tally } from "./tally.ts";

/** How often progress is told, and looked at. */
const PROGRESS_MS = 2;

let producer: Producer | undefined;
let consumer: Consumer | undefined;
let tally = new Tally(-1, false);
const progress = new Progress();

async function answer(request: Request): Promise<Requests[Request["name"]]["answer"]> {
  switch (request.name) {
    case "connect":
      producer = await (await loadAdapter(request.carries.adapter)).producer(request.carries.address);
      return null;
    case "submit": {
      if (producer === undefined) throw new Error("not connected");
      const plan = request.carries;
      progress.begin(plan.phase);
      return plan.loop === "open" ? submitOpen(producer, plan, keepPace) : submitClosed(producer, plan, progress);
    }
    case "attach":
      return attach(request.carries);
    case "count":
      tally = new Tally(request.carries.phase, request.carries.latencies);
      return null;
    case "await":
      return awaitHandled(request.carries);
    case "latencies":
      return tally.latencies();
    case "cpu":
      return ownCpuMs();
    case "close":
      await producer?.close();
      await consumer?.close();
      producer = undefined;
      consumer = undefined;
      return null;
  }
}

async function attach({ adapter, address }: ClientStart): Promise<null> {
  const library = await loadAdapter(adapter);
  consumer = await library.consumer(address, CONSUMER_SHAPE, (payload) => tally.record(payload, machineMs()));
  return null;
}

async function awaitHandled({ handled, windowMs, stallMs }: Requests["await"]["carries"]): Promise<Handled> {
  let seen = tally.handled;
  let seenMs = machineMs();
  while (tally.handled < handled) {
    const nowMs = machineMs();
    if (tally.handled > 0 && nowMs - tally.firstMs >= windowMs) return handledBy(tally.lastMs);
    if (tally.handled > seen) {
      seen = tally.handled;
      seenMs = nowMs;
    } else if (nowMs - seenMs > stallMs) {
      throw new Error(`${tally.handled} of ${handled} tasks were handled, and none for ${stallMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, PROGRESS_MS));
  }
  await consumer?.settle();
  return handledBy(machineMs());
}

function handledBy(endMs: number): Handled {
  return { handled: tally.handled, repeated: tally.repeated, firstMs: tally.firstMs, endMs };
}

function send(reply: Reply): void {
  // The bench may have gone while this was on its way: then nobody is interested.
  process.send?.(reply, undefined, undefined, () => {});
}

function tellProgress(): void {
  let told: ProgressNote = { phase: -1, handled: 0 };
  setInterval(() => {
    const { phase, handled } = tally;
    if (phase === told.phase && handled === told.handled) return;
    told = { phase, handled };
    send(told);
  }, PROGRESS_MS);
}

process.on("message", (message: Request | ProgressNote) => {
  if (!("name" in message)) {
    progress.set(message.phase, message.handled);
    return;
  }
  const { id } = message;
  answer(message).then(
    (result) => send({ id, answer: result }),
    (error: unknown) => send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
// The bench is gone.
process.once("disconnect", () => process.exit(1));
if (process.argv[2] === "consumer") tellProgress();
