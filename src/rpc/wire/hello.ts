/**
 * Reads `sluice.v1.Hello`, the introduction of an analyzer.
 */
import { MAX_ANALYZER_LABELS, MAX_FRAME_ITEMS, MAX_NAME_BYTES, MAX_SUBSCRIPTIONS } from "../../core/limits.ts";
import type { Hello } from "../../engine/frames.ts";
import type { HeldClaim } from "../../store/port.ts";
import { checkCount, checkId, checkName, checkWeight, ID_LENGTH, invalid, weightOrOne } from "./checks.ts";
import { checkEntries, type MapLimits, type WireReader } from "./reader.ts";

/** Bytes of an analyzer's version; longer is INVALID_ARGUMENT. */
const MAX_VERSION_BYTES = 64;
const LABELS: MapLimits = { field: "labels", entries: MAX_ANALYZER_LABELS, keyBytes: 64, valueBytes: 256 };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A hello as far as it has been read: a repeated hello field is merged into it. */
export interface ReceivedHello extends Mutable<Omit<Hello, "subscriptions" | "held" | "labels">> {
  readonly subscriptions: Hello["subscriptions"][number][];
  readonly held: HeldClaim[];
  readonly labels: Record<string, string>;
}

/** A hello of which nothing has been read. */
export function emptyHello(): ReceivedHello {
  return { analyzerId: "", subscriptions: [], weight: 0, maxInFlight: 0, held: [], version: "", labels: {} };
}

/** Reads the hello that begins here. */
export function readHello(reader: WireReader, into: ReceivedHello): void {
  const end = reader.enter();
  while (reader.pos < end) readField(reader, into);
  reader.leave(end);
}

function readField(reader: WireReader, into: ReceivedHello): void {
  const tag = reader.next();
  switch (tag) {
    case 0x0a:
      into.analyzerId = reader.text(MAX_NAME_BYTES, "hello.analyzer_id");
      return;
    case 0x12:
      into.subscriptions.push(readSubscription(reader));
      checkCount(into.subscriptions.length, MAX_SUBSCRIPTIONS, "hello.queues");
      return;
    case 0x19:
      into.weight = reader.double();
      return;
    case 0x20:
      into.maxInFlight = reader.uint32();
      return;
    case 0x2a:
      into.held.push(readHeld(reader));
      checkCount(into.held.length, MAX_FRAME_ITEMS, "hello.held");
      return;
    case 0x32:
      into.version = reader.text(MAX_VERSION_BYTES, "hello.version");
      return;
    case 0x3a:
      reader.mapEntry(into.labels, LABELS);
      return;
    default:
      reader.unknown(tag, 7);
  }
}

function readSubscription(reader: WireReader): Hello["subscriptions"][number] {
  const end = reader.enter();
  let queue = "";
  let weight = 0;
  while (reader.pos < end) {
    const tag = reader.next();
    if (tag === 0x0a) queue = reader.text(MAX_NAME_BYTES, "hello.queues.queue");
    else if (tag === 0x11) weight = reader.double();
    else reader.unknown(tag, 2);
  }
  reader.leave(end);
  checkName(queue, "hello.queues.queue");
  return { queue, weight: weightOrOne(weight, "hello.queues.weight") };
}

function readHeld(reader: WireReader): HeldClaim {
  const end = reader.enter();
  let lease = 0;
  let taskId = "";
  let attempt = 0;
  while (reader.pos < end) {
    const tag = reader.next();
    if (tag === 0x09) lease = reader.lease();
    else if (tag === 0x12) taskId = reader.text(ID_LENGTH, "hello.held.task_id");
    else if (tag === 0x18) attempt = reader.uint32();
    else reader.unknown(tag, 3);
  }
  reader.leave(end);
  checkId(taskId, "hello.held.task_id");
  return { lease, taskId, attempt };
}

/** Checks a hello that was read to its end. */
export function completeHello(hello: ReceivedHello): Hello {
  checkName(hello.analyzerId, "hello.analyzer_id");
  checkWeight(hello.weight, "hello.weight");
  checkEntries(hello.labels, LABELS);
  if (hello.subscriptions.length === 0) throw invalid("hello.queues must name at least one queue");
  const names = new Set(hello.subscriptions.map(({ queue }) => queue));
  if (names.size < hello.subscriptions.length) throw invalid("hello.queues may name each queue only once");
  return hello;
}
