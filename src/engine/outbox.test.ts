import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Delivery, NodeFrame } from "./frames.ts";
import { Outbox } from "./outbox.ts";
import { MAX_FRAME_BYTES } from "./settings.ts";

function delivery(lease: number, bytes: number): Delivery {
  return { lease, attempt: 1, spec: new Uint8Array(bytes) };
}

function takeAll(outbox: Outbox): NodeFrame[] {
  const frames: NodeFrame[] = [];
  while (!outbox.isEmpty) frames.push(outbox.take());
  return frames;
}

describe("an outbox", () => {
  test("sends everything once, in one frame if it fits, kind by kind in order (O1)", () => {
    const outbox = new Outbox();
    expect(outbox.isEmpty).toBe(true);
    outbox.deliver(delivery(1, 10));
    outbox.deliver(delivery(2, 0));
    for (const lease of [3, 4]) outbox.accepted(lease);
    for (const lease of [5, 6, 7]) outbox.stale(lease);
    outbox.cancel({ lease: 8, reason: "CANCELLED" });
    outbox.cancel({ lease: 9, reason: "TIMEOUT" });
    outbox.drain({ reason: "OPERATOR", deadlineMs: 5 });
    outbox.change({ weight: 2, maxInFlight: 20 });
    expect(outbox.size).toBe(7);
    expect(takeAll(outbox)).toEqual([
      {
        deliveries: [delivery(1, 10), delivery(2, 0)],
        accepted: [3, 4],
        stale: [5, 6, 7],
        cancels: [
          { lease: 8, reason: "CANCELLED" },
          { lease: 9, reason: "TIMEOUT" },
        ],
        drain: { reason: "OPERATOR", deadlineMs: 5 },
        change: { weight: 2, maxInFlight: 20 },
      },
    ]);
    expect(outbox.size).toBe(0);
  });

  test.each<[string, (outbox: Outbox) => void, Partial<NodeFrame>]>([
    ["a delivery", (outbox) => outbox.deliver(delivery(1, 1)), { deliveries: [delivery(1, 1)] }],
    ["a receipt", (outbox) => outbox.accepted(1), { accepted: [1] }],
    ["a stale receipt", (outbox) => outbox.stale(1), { stale: [1] }],
    [
      "a cancel",
      (outbox) => outbox.cancel({ lease: 1, reason: "TIMEOUT" }),
      { cancels: [{ lease: 1, reason: "TIMEOUT" }] },
    ],
    [
      "a drain",
      (outbox) => outbox.drain({ reason: "OPERATOR", deadlineMs: 1 }),
      { drain: { reason: "OPERATOR", deadlineMs: 1 } },
    ],
    ["a change", (outbox) => outbox.change({ weight: 1, maxInFlight: 1 }), { change: { weight: 1, maxInFlight: 1 } }],
  ])("with nothing but %s sends a frame of just that", (_name, put, expected) => {
    const outbox = new Outbox();
    put(outbox);
    expect(outbox.isEmpty).toBe(false);
    const empty = { deliveries: [], accepted: [], stale: [], cancels: [] };
    expect(takeAll(outbox)).toEqual([{ ...empty, ...expected }]);
  });

  test("tells the last of several drains and changes", () => {
    const outbox = new Outbox();
    for (const weight of [1, 2]) outbox.change({ weight, maxInFlight: 10 * weight });
    for (const deadlineMs of [1, 2]) outbox.drain({ reason: "OPERATOR", deadlineMs });
    expect(outbox.take()).toMatchObject({ change: { weight: 2, maxInFlight: 20 }, drain: { deadlineMs: 2 } });
  });

  test("fills frames as far as the limit allows, or with a single task (O2)", () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: MAX_FRAME_BYTES / 2 }), fc.constant(MAX_FRAME_BYTES)), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(sizes, (each) => {
        const outbox = new Outbox();
        const put = each.map((bytes, index) => delivery(index, bytes));
        for (const one of put) outbox.deliver(one);
        const frames = takeAll(outbox).map(({ deliveries }) => deliveries);
        const bytesOf = (deliveries: readonly Delivery[]) => deliveries.reduce((sum, { spec }) => sum + spec.length, 0);
        expect(frames.flat()).toEqual(put);
        for (const [index, frame] of frames.entries()) {
          expect(frame.length).toBeGreaterThan(0);
          if (frame.length > 1) expect(bytesOf(frame)).toBeLessThanOrEqual(MAX_FRAME_BYTES);
          const following = frames[index + 1]?.[0];
          if (following !== undefined) expect(bytesOf([...frame, following])).toBeGreaterThan(MAX_FRAME_BYTES);
        }
      }),
    );
    const outbox = new Outbox();
    for (const bytes of [MAX_FRAME_BYTES - 1, 1, MAX_FRAME_BYTES + 1, 1]) outbox.deliver(delivery(bytes, bytes));
    expect(takeAll(outbox).map(({ deliveries }) => deliveries.length)).toEqual([2, 1, 1]);
  });

  test("gives back the deliveries that were never sent, and nothing else", () => {
    const outbox = new Outbox();
    outbox.deliver(delivery(1, 1));
    outbox.accepted(2);
    expect(outbox.takeUnsent()).toEqual([delivery(1, 1)]);
    expect(outbox.takeUnsent()).toEqual([]);
    expect(outbox.take()).toEqual({ deliveries: [], accepted: [2], stale: [], cancels: [] });
  });
});
