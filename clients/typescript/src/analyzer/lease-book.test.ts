import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeldState, ReceiptsSchema, TaskResultSchema, WelcomeSchema, type WorkRequest } from "../contract.ts";
import type { ResultOutcome } from "./held-lease.ts";
import { LeaseBook } from "./lease-book.ts";

function success(bytes = 0): ResultOutcome {
  return { case: "success", value: create(TaskResultSchema, { output: new Uint8Array(bytes) }) };
}

function attached(concurrency: number, maxInFlight = 10_000): LeaseBook<string> {
  const book = new LeaseBook<string>(concurrency);
  book.attach(create(WelcomeSchema, { maxInFlight }), true);
  return book;
}

/** A book whose limit is the node's choice. */
function following(maxInFlight: number): LeaseBook<string> {
  const book = new LeaseBook<string>(1, true);
  book.attach(create(WelcomeSchema, { maxInFlight }), true);
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
  it("lists what has no receipt, which can be more than the limit, and fewer when a node refuses that", () => {
    const book = attached(5, 2);
    for (let lease = 1n; lease <= 3n; lease++) {
      book.deliver(lease, "t", 1, `run ${lease}`);
      book.finish(lease, success());
      book.nextFrame(0);
    }
    expect(book.heldForHello()).toHaveLength(3);
    expect(book.shortenList(2)).toBe(false);
    expect(book.shortenList(3)).toBe(true);
    const held = book.heldForHello().map(({ lease }) => ({ lease, state: HeldState.ADOPTED }));
    expect(held.map(({ lease }) => lease)).toEqual([1n, 2n]);
    const lost = book.attach(create(WelcomeSchema, { maxInFlight: 2, held }), true);
    expect(lost).toMatchObject([{ held: { run: "run 3" }, reason: "LEASE_LOST" }]);
  });

  it("answered with RECORDED ends a handler whose result was never sent: its task was cancelled", () => {
    const book = attached(3);
    for (let lease = 1n; lease <= 3n; lease++) book.deliver(lease, "t", 1, `run ${lease}`);
    book.finish(1n, success());
    const held = [1n, 2n].map((lease) => ({ lease, state: HeldState.RECORDED }));
    const lost = book.attach(create(WelcomeSchema, { maxInFlight: 3, held }), true);
    expect(lost).toMatchObject([
      { held: { run: "run 2" }, reason: "CANCELLED" },
      { held: { run: "run 3" }, reason: "LEASE_LOST" },
    ]);
  });
});

describe("the limit", () => {
  it("is what the node says, unless the analyzer has its own", () => {
    const book = following(4);
    expect(book.nextFrame(0)?.credit).toBe(4);
    book.resize(6);
    expect(book.nextFrame(0)?.credit).toBe(2);
    const own = attached(4, 5);
    expect(own.nextFrame(0)?.credit).toBe(4);
    own.resize(30);
    expect(own.nextFrame(0)).toBeUndefined();
    own.resize(3);
    expect([own.limit, book.limit]).toEqual([3, 6]);
  });

  it("when it falls, grants nothing until what was granted and runs is below it (L1)", () => {
    const book = following(4);
    book.nextFrame(0);
    for (let lease = 1n; lease <= 3n; lease++) book.deliver(lease, "t", 1, "");
    book.resize(2);
    const finish = (lease: bigint): number | undefined => {
      book.finish(lease, success());
      return book.nextFrame(0)?.credit;
    };
    expect([finish(1n), finish(2n)]).toEqual([0, 0]);
    // One credit rests at the node.
    expect(finish(3n)).toBe(1);
    expect(book.credit).toBe(2);
  });

  it("outlives the session", () => {
    const book = following(4);
    book.resize(7);
    book.detach();
    expect(book.limit).toBe(7);
  });
});

/** What the node of docs/protocol.md thinks, as strict as the real one. */
class NodeModel {
  readonly live = new Set<bigint>();
  /** Leases whose result was recorded, with or without a receipt seen. */
  readonly recorded = new Set<bigint>();
  credit = 0;
  next: bigint;
  max: number;
  /** The highest max so far: what grants are checked against. */
  #grantLimit: number;
  unanswered: { readonly lease: bigint; readonly stale: boolean }[] = [];

  /** @param next - the next lease; leases are unique over restarts */
  constructor(max: number, next = 1n) {
    this.max = max;
    this.#grantLimit = max;
    this.next = next;
  }

  resize(max: number): void {
    this.max = max;
    this.#grantLimit = Math.max(this.#grantLimit, max);
  }

  apply(frame: WorkRequest): void {
    for (const { lease } of frame.results) {
      const live = this.live.delete(lease);
      if (live) this.recorded.add(lease);
      this.unanswered.push({ lease, stale: !live });
    }
    for (const lease of frame.releases) this.live.delete(lease);
    this.credit += frame.credit;
    // Adopted leases may be more than the limit, but then nothing may be granted.
    if (frame.credit > 0) expect(this.credit + this.live.size).toBeLessThanOrEqual(this.#grantLimit);
  }

  deliver(): bigint | undefined {
    if (this.credit === 0 || this.live.size >= this.max) return undefined;
    this.credit--;
    this.live.add(this.next);
    return this.next++;
  }
}

type Step =
  | { readonly do: "deliver" | "flush" | "confirm" | "stopCredit" | "hear" }
  | { readonly do: "finish"; readonly pick: number }
  | { readonly do: "timeout"; readonly pick: number }
  | { readonly do: "change"; readonly max: number }
  | { readonly do: "reconnect"; readonly lose: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Step>({ do: "deliver" }, { do: "flush" }) },
    { weight: 2, arbitrary: fc.constantFrom<Step>({ do: "confirm" }, { do: "hear" }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("finish" as const), pick: fc.nat(50) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("timeout" as const), pick: fc.nat(50) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("change" as const), max: fc.integer({ min: 1, max: 8 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("reconnect" as const), lose: fc.nat(7) }) },
    { weight: 1, arbitrary: fc.constant<Step>({ do: "stopCredit" }) },
  ),
  { maxLength: 200 },
);

/** A book and a node that talk to each other as a script says, and what must hold after every step. */
class Conversation {
  readonly book: LeaseBook<bigint>;
  readonly #running: bigint[] = [];
  /** Leases whose result the node has not answered. */
  readonly #finished = new Set<bigint>();
  /** Changes that the analyzer has not heard of. */
  #changes: number[] = [];
  #node: NodeModel;
  #isAccepting = true;

  /** @param concurrency - undefined: the node's choice */
  constructor(concurrency: number | undefined, nodeMax: number) {
    this.book = new LeaseBook<bigint>(concurrency ?? 1, concurrency === undefined);
    this.#node = new NodeModel(nodeMax);
    this.book.attach(create(WelcomeSchema, { maxInFlight: nodeMax }), true);
  }

  run(step: Step): void {
    switch (step.do) {
      case "flush":
        this.#flush();
        return;
      case "confirm":
        this.#confirm();
        return;
      case "hear":
        this.#hear();
        return;
      case "stopCredit":
        this.#isAccepting = false;
        this.book.stopCredit();
        return;
      case "change":
        this.#node.resize(step.max);
        this.#changes.push(step.max);
        return;
      case "reconnect":
        this.#reconnect(step.lose);
        return;
      case "deliver":
        this.#deliver();
        return;
      case "timeout":
      case "finish":
        this.#finish(step);
        return;
    }
  }

  check(concurrency: number): void {
    expect(this.book.running).toBe(this.#running.length);
    expect(this.#running.length).toBeLessThanOrEqual(concurrency);
    for (const lease of this.#finished) expect(this.book.get(lease)?.result).toBeDefined();
  }

  /** In the end nothing finished is unanswered, and no room is left unused. */
  settle(): void {
    this.#hear();
    this.#flush();
    this.#confirm();
    expect(this.#finished.size).toBe(0);
    if (this.#isAccepting) {
      expect(this.book.credit).toBe(this.#node.credit);
      expect(this.book.running + this.book.credit).toBeGreaterThanOrEqual(this.book.limit);
    }
  }

  #flush(): void {
    for (let frame = this.book.nextFrame(0); frame !== undefined; frame = this.book.nextFrame(0)) {
      this.#node.apply(frame);
      // A grant never goes beyond the limit that is known.
      if (frame.credit > 0) expect(this.book.running + this.book.credit).toBeLessThanOrEqual(this.book.limit);
    }
  }

  #confirm(): void {
    const { unanswered } = this.#node;
    this.#node.unanswered = [];
    const accepted = unanswered.filter(({ stale }) => !stale).map(({ lease }) => lease);
    const stale = unanswered.filter(({ stale }) => stale).map(({ lease }) => lease);
    this.book.confirm(create(ReceiptsSchema, { accepted, stale }));
    for (const { lease } of unanswered) this.#finished.delete(lease);
  }

  #hear(): void {
    for (const max of this.#changes) this.book.resize(max);
    this.#changes = [];
  }

  #reconnect(lose: number): void {
    this.book.detach();
    const held = this.book.heldForHello();
    const former = this.#node;
    this.#node = new NodeModel(former.max, former.next);
    this.#changes = [];
    const states = held.map(({ lease }, index) => {
      let state: HeldState = HeldState.ADOPTED;
      if (former.recorded.has(lease)) state = HeldState.RECORDED;
      else if (!former.live.has(lease) || index === lose) state = HeldState.LOST;
      if (state === HeldState.ADOPTED) this.#node.live.add(lease);
      else this.#finished.delete(lease);
      return { lease, state };
    });
    this.#isAccepting = true;
    this.book.attach(create(WelcomeSchema, { maxInFlight: former.max, held: states }), true);
  }

  #deliver(): void {
    const lease = this.#node.deliver();
    if (lease !== undefined && this.book.deliver(lease, "t", 1, lease) !== undefined) this.#running.push(lease);
  }

  #finish(step: { readonly do: "finish" | "timeout"; readonly pick: number }): void {
    const [lease] = this.#running.length === 0 ? [] : this.#running.splice(step.pick % this.#running.length, 1);
    if (lease === undefined) return;
    if (step.do === "timeout") {
      this.#node.live.delete(lease);
      this.book.end(lease);
    }
    if (this.book.finish(lease, success())) this.#finished.add(lease);
  }
}

describe("against a strict node (L1, L2, L3)", () => {
  it("never grants too much, and no finished work is forgotten before the node answered it", () => {
    const node = fc.integer({ min: 1, max: 8 });
    fc.assert(
      fc.property(fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }), node, steps, (own, max, script) => {
        const conversation = new Conversation(own, max);
        for (const step of script) {
          conversation.run(step);
          conversation.check(own ?? 8);
        }
        conversation.settle();
      }),
      { numRuns: 1000 },
    );
  });
});
