import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeldState, ReceiptsSchema, TaskResultSchema, WelcomeSchema, type WorkRequest } from "../contract.ts";
import { LeaseBook, type ResultOutcome } from "./lease-book.ts";

function success(bytes = 0): ResultOutcome {
  return { case: "success", value: create(TaskResultSchema, { output: new Uint8Array(bytes) }) };
}

function attached(concurrency: number, maxInFlight = 10_000): LeaseBook<string> {
  const book = new LeaseBook<string>(concurrency);
  book.attach(create(WelcomeSchema, { maxInFlight }), concurrency, true);
  return book;
}

describe("frames", () => {
  it("are cut by the number and by the bytes of results", () => {
    const many = attached(10_500);
    many.nextFrame(0);
    for (let lease = 1n; lease <= 10_500n; lease++) many.deliver(lease, "t", 1, "");
    for (let lease = 1n; lease <= 10_500n; lease++) many.finish(lease, success());
    const first = many.nextFrame(0);
    expect(first?.results.length).toBe(10_000);
    // L1: the 500 that are still unsent count.
    expect(first?.credit).toBe(9500);
    expect(many.nextFrame(0)?.results.length).toBe(500);

    const large = attached(4);
    for (let lease = 1n; lease <= 4n; lease++) large.deliver(lease, "t", 1, "");
    for (let lease = 1n; lease <= 4n; lease++) large.finish(lease, success(lease === 3n ? 2_000_000 : 400_000));
    expect([1, 2, 3].map(() => large.nextFrame(0)?.results.map(({ lease }) => lease))).toEqual([[1n, 2n], [3n], [4n]]);
  });

  it("grant nothing while too many results wait for their receipts (L4)", () => {
    const book = attached(2);
    book.nextFrame(0);
    let lease = 0n;
    const round = (): WorkRequest | undefined => {
      for (let count = 0; count < 2; count++) book.deliver(++lease, "t", 1, "");
      for (let count = 0n; count < 2n; count++) book.finish(lease - count, success());
      return book.nextFrame(0);
    };
    let rounds = 0;
    while ((round()?.credit ?? 0) > 0) rounds++;
    expect(rounds).toBe(500);
    book.confirm(create(ReceiptsSchema, { accepted: [1n, 2n, 3n] }));
    expect(book.nextFrame(0)?.credit).toBe(2);
  });

  it("are none without a session", () => {
    const book = attached(2);
    book.deliver(1n, "t", 1, "");
    book.detach();
    book.finish(1n, success());
    expect(book.nextFrame(0)).toBeUndefined();
  });
});

describe("hello", () => {
  it("asks for as much as it lists, which can be more than its concurrency", () => {
    const book = attached(1);
    for (let lease = 1n; lease <= 3n; lease++) {
      book.deliver(lease, "t", 1, "");
      book.finish(lease, success());
      book.nextFrame(0);
    }
    expect(book.heldForHello()).toMatchObject({ held: { length: 3 }, maxInFlight: 3 });
  });

  it("lists no more than a node with a lower limit takes; the rest is lost", () => {
    const book = attached(5, 2);
    for (let lease = 1n; lease <= 3n; lease++) book.deliver(lease, "t", 1, `run ${lease}`);
    const { held } = book.heldForHello();
    expect(held.map(({ lease }) => lease)).toEqual([1n, 2n]);
    const states = held.map(({ lease }) => ({ lease, state: HeldState.ADOPTED }));
    const lost = book.attach(create(WelcomeSchema, { maxInFlight: 2, held: states }), 5, true);
    expect(lost.map(({ run }) => run)).toEqual(["run 3"]);
  });
});

/** What the node of docs/protocol.md thinks, as strict as the real one. */
class NodeModel {
  readonly live = new Set<bigint>();
  /** Leases whose result was recorded, with or without a receipt seen. */
  readonly recorded = new Set<bigint>();
  credit = 0;
  next: bigint;
  readonly #max: number;
  unanswered: { readonly lease: bigint; readonly stale: boolean }[] = [];

  /** @param next - the next lease; leases are unique over restarts */
  constructor(max: number, next = 1n) {
    this.#max = max;
    this.next = next;
  }

  apply(frame: WorkRequest): void {
    for (const { lease } of frame.results) {
      const live = this.live.delete(lease);
      if (live) this.recorded.add(lease);
      this.unanswered.push({ lease, stale: !live });
    }
    for (const lease of frame.releases) this.live.delete(lease);
    this.credit += frame.credit;
    expect(this.credit + this.live.size).toBeLessThanOrEqual(this.#max);
  }

  deliver(): bigint | undefined {
    if (this.credit === 0) return undefined;
    this.credit--;
    this.live.add(this.next);
    return this.next++;
  }
}

type Step =
  | { readonly do: "deliver" | "flush" | "confirm" | "stopCredit" }
  | { readonly do: "finish"; readonly pick: number }
  | { readonly do: "timeout"; readonly pick: number }
  | { readonly do: "reconnect"; readonly lose: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Step>({ do: "deliver" }, { do: "flush" }) },
    { weight: 2, arbitrary: fc.constant<Step>({ do: "confirm" }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("finish" as const), pick: fc.nat(50) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("timeout" as const), pick: fc.nat(50) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("reconnect" as const), lose: fc.nat(7) }) },
    { weight: 1, arbitrary: fc.constant<Step>({ do: "stopCredit" }) },
  ),
  { maxLength: 200 },
);

describe("against a strict node (L1, L2, L3)", () => {
  it("never grants too much, and no finished work is forgotten before the node answered it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 8 }),
        steps,
        (concurrency, nodeMax, script) => {
          const book = new LeaseBook<bigint>(concurrency);
          let node = new NodeModel(nodeMax);
          book.attach(create(WelcomeSchema, { maxInFlight: nodeMax }), concurrency, true);
          const running: bigint[] = [];
          const finished = new Set<bigint>();
          const flush = (): void => {
            for (let frame = book.nextFrame(0); frame !== undefined; frame = book.nextFrame(0)) node.apply(frame);
          };
          const confirm = (): void => {
            const { unanswered } = node;
            node.unanswered = [];
            const accepted = unanswered.filter(({ stale }) => !stale).map(({ lease }) => lease);
            const stale = unanswered.filter(({ stale }) => stale).map(({ lease }) => lease);
            book.confirm(create(ReceiptsSchema, { accepted, stale }));
            for (const { lease } of unanswered) finished.delete(lease);
          };
          const reconnect = (lose: number): void => {
            book.detach();
            const { held, maxInFlight } = book.heldForHello();
            const former = node;
            node = new NodeModel(Math.max(nodeMax, held.length), former.next);
            const states = held.map(({ lease }, index) => {
              let state: HeldState = HeldState.ADOPTED;
              if (former.recorded.has(lease)) state = HeldState.RECORDED;
              else if (!former.live.has(lease) || index === lose) state = HeldState.LOST;
              if (state === HeldState.ADOPTED) node.live.add(lease);
              else finished.delete(lease);
              return { lease, state };
            });
            book.attach(
              create(WelcomeSchema, { maxInFlight: Math.max(nodeMax, held.length), held: states }),
              maxInFlight,
              true,
            );
          };
          for (const step of script) {
            if (step.do === "flush") flush();
            else if (step.do === "confirm") confirm();
            else if (step.do === "stopCredit") book.stopCredit();
            else if (step.do === "reconnect") reconnect(step.lose);
            else if (step.do === "deliver") {
              const lease = node.deliver();
              if (lease !== undefined && book.deliver(lease, "t", 1, lease) !== undefined) running.push(lease);
            } else if (step.do === "finish" || step.do === "timeout") {
              const [lease] = running.length === 0 ? [] : running.splice(step.pick % running.length, 1);
              if (lease === undefined) continue;
              if (step.do === "timeout") {
                node.live.delete(lease);
                book.end(lease);
              }
              if (book.finish(lease, success())) finished.add(lease);
            }
            expect(book.running).toBe(running.length);
            expect(running.length).toBeLessThanOrEqual(concurrency);
            for (const lease of finished) expect(book.get(lease)?.result).toBeDefined();
          }
          flush();
          confirm();
          expect(finished.size).toBe(0);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
