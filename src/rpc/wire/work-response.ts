/**
 * Encodes `sluice.v1.WorkResponse`: a frame to an analyzer. Tasks are spliced in as they were submitted, without decoding
 * them.
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { CancelReason, DrainReason, HeldState } from "@sluice/client/contract";
import type { Delivery, NodeFrame, Welcome } from "../../engine/frames.ts";
import { IMPOSSIBLE_LEASE } from "./reader.ts";

const TWO_TO_32 = 0x1_0000_0000;
const MAX_UINT32 = 0xffff_ffff;
const LEASE_BYTES = 8;

/** Encodes a frame. */
export function encodeWorkResponse(frame: NodeFrame): Buffer {
  const head = frame.welcome === undefined ? undefined : encodeWelcome(frame.welcome);
  const tail = encodeTail(frame);
  const inners = frame.deliveries.map(deliverySize);
  let size = (head?.length ?? 0) + tail.length;
  for (const inner of inners) size += 1 + varintSize(inner) + inner;

  const frameBytes = Buffer.allocUnsafe(size);
  let at = 0;
  if (head !== undefined) {
    frameBytes.set(head, 0);
    at = head.length;
  }
  frame.deliveries.forEach((delivery, index) => {
    at = writeDelivery(frameBytes, at, delivery, inners[index] ?? 0);
  });
  frameBytes.set(tail, at);
  return frameBytes;
}

/** Bytes of a `Delivery`, without its own tag and length. */
function deliverySize({ attempt, spec }: Delivery): number {
  return 1 + LEASE_BYTES + 1 + varintSize(attempt) + 1 + varintSize(spec.length) + spec.length;
}

function writeDelivery(into: Buffer, start: number, delivery: Delivery, size: number): number {
  const { lease, attempt, spec } = delivery;
  let at = start;
  into[at++] = 0x12;
  at = writeVarint(into, at, size);
  into[at++] = 0x09;
  at = into.writeUInt32LE(lowHalf(lease), at);
  at = into.writeUInt32LE(highHalf(lease), at);
  into[at++] = 0x10;
  at = writeVarint(into, at, attempt);
  into[at++] = 0x1a;
  at = writeVarint(into, at, spec.length);
  into.set(spec, at);
  return at + spec.length;
}

function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

function writeVarint(into: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 0x7f) {
    into[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  into[at++] = rest;
  return at;
}

function lowHalf(lease: number): number {
  return lease === IMPOSSIBLE_LEASE ? MAX_UINT32 : lease % TWO_TO_32;
}

function highHalf(lease: number): number {
  return lease === IMPOSSIBLE_LEASE ? MAX_UINT32 : Math.floor(lease / TWO_TO_32);
}

function encodeWelcome(welcome: Welcome): Uint8Array {
  const writer = new BinaryWriter();
  writer.uint32(0x0a).fork();
  writer.uint32(0x0a).string(welcome.sessionId);
  writer.uint32(0x10).uint32(welcome.epoch);
  writer.uint32(0x18).uint32(welcome.heartbeatMs);
  writer.uint32(0x20).uint32(welcome.leaseMs);
  writer.uint32(0x28).uint32(welcome.maxInFlight);
  for (const { lease, state } of welcome.held) {
    writer.uint32(0x32).fork();
    writeLease(writer.uint32(0x09), lease);
    writer.uint32(0x10).int32(HeldState[state]).join();
  }
  return writer.join().finish();
}

/** Everything after the deliveries. */
function encodeTail({ accepted, stale, cancels, drain, change }: NodeFrame): Uint8Array {
  const writer = new BinaryWriter();
  if (accepted.length + stale.length > 0) {
    writer.uint32(0x1a).fork();
    writeLeases(writer, 0x0a, accepted);
    writeLeases(writer, 0x12, stale);
    writer.join();
  }
  for (const { lease, reason } of cancels) {
    writer.uint32(0x22).fork();
    writeLease(writer.uint32(0x09), lease);
    writer.uint32(0x10).int32(CancelReason[reason]).join();
  }
  if (drain !== undefined) {
    writer.uint32(0x2a).fork().uint32(0x08).int32(DrainReason[drain.reason]);
    writer.uint32(0x10).uint32(drain.deadlineMs).join();
  }
  if (change !== undefined) {
    writer.uint32(0x32).fork().uint32(0x09).double(change.weight);
    writer.uint32(0x10).uint32(change.maxInFlight).join();
  }
  return writer.finish();
}

function writeLeases(writer: BinaryWriter, tag: number, leases: readonly number[]): void {
  if (leases.length === 0) return;
  writer.uint32(tag).uint32(leases.length * LEASE_BYTES);
  for (const lease of leases) writeLease(writer, lease);
}

function writeLease(writer: BinaryWriter, lease: number): void {
  writer.fixed32(lowHalf(lease)).fixed32(highHalf(lease));
}
