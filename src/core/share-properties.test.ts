/** The bounds that `share.ts` states, for random weights, credits, joins, leaves and changes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Share, type ShareMember, type SharePolicy } from "./share.ts";

const UNLIMITED: SharePolicy = { maxLag: 100, maxLead: Number.POSITIVE_INFINITY, holdMs: 1000 };
/** What rounding may add to a bound, in tasks. */
const SLACK = 1e-6;

const weight = fc.oneof(
  fc.integer({ min: 1, max: 1000 }).map((n) => n / 100),
  fc.double({ min: 0.01, max: 100, noNaN: true }),
);
const weightsOf = (minLength: number) => fc.array(weight, { minLength, maxLength: 12 });

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function join(share: Share, weights: readonly number[]): ShareMember[] {
  return weights.map((each, index) => {
    const member = share.attach(`a${String(index).padStart(2, "0")}`, each, 0);
    share.setEligible(member, true, 0);
    return member;
  });
}

function count(counts: Map<ShareMember, number>, member: ShareMember): void {
  counts.set(member, (counts.get(member) ?? 0) + 1);
}

describe("with everybody eligible and unlimited lead", () => {
  test("each gets its part of n choices within the bound, at any moment (R2)", () => {
    fc.assert(
      fc.property(weightsOf(1), (weights) => {
        const share = new Share(UNLIMITED);
        const members = join(share, weights);
        const total = sum(weights);
        const counts = new Map<ShareMember, number>();
        const off = (member: ShareMember, n: number) => (counts.get(member) ?? 0) - (n * member.weight) / total;
        for (let n = 1; n <= 300; n++) {
          const choice = share.choose(0);
          if (choice === undefined) throw new Error("nobody was chosen");
          count(counts, choice);
          const above = members.map((each) => off(each, n) - (1 - each.weight / total));
          expect(Math.max(...above)).toBeLessThanOrEqual(SLACK);
          const below = members.map((each) => -((members.length - 1) * each.weight) / total - off(each, n));
          expect(Math.max(...below)).toBeLessThanOrEqual(SLACK);
        }
      }),
    );
  });

  test("both ends of the bound are reached (R2)", () => {
    const share = new Share(UNLIMITED);
    const members = join(share, [1, 1, 1, 7]);
    expect(share.choose(0)).toBe(members[0]);
    // The first: one task of one, where it is due 0.1. So it is off by 1 - 1 / 10.
    expect([share.choose(0), share.choose(0)]).toEqual([members[1], members[2]]);
    // The heavy one: none of three, where it is due 2.1 = 3 * 7 / 10.
    expect(share.choose(0)).toBe(members[3]);
  });

  test("equal weights are never a task off", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 200 }), (size, n) => {
        const share = new Share(UNLIMITED);
        const members = join(share, new Array<number>(size).fill(0.3));
        const counts = new Map<ShareMember, number>(members.map((member) => [member, 0]));
        for (let i = 0; i < n; i++) {
          const choice = share.choose(0);
          if (choice !== undefined) count(counts, choice);
        }
        const each = [...counts.values()];
        expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("a change of weights changes the parts from then on (R2, R6)", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(weight, weight), { minLength: 2, maxLength: 8 }), fc.nat(300), (pairs, before) => {
        const share = new Share(UNLIMITED);
        const members = join(
          share,
          pairs.map(([first]) => first),
        );
        for (let i = 0; i < before; i++) share.choose(0);
        for (const [index, member] of members.entries()) {
          const lead = share.lead(member);
          share.setWeight(member, pairs[index]?.[1] ?? 1);
          expect(share.lead(member)).toBeCloseTo(lead, 6);
        }
        const total = sum(members.map((member) => member.weight));
        const counts = new Map<ShareMember, number>();
        for (let n = 1; n <= 300; n++) {
          const choice = share.choose(0);
          if (choice !== undefined) count(counts, choice);
          for (const member of members) {
            // Leads of up to a task each are carried over, so the bound is that of R2 for two such shares.
            const off = (counts.get(member) ?? 0) - (n * member.weight) / total;
            const slack = 1 + (members.length * member.weight) / total;
            expect(Math.abs(off)).toBeLessThanOrEqual(1 + slack);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("with everybody live and a bounded lead", () => {
  test("each gets its part of n choices within the bound, however credit comes (R5)", () => {
    const credits = fc.infiniteStream(fc.nat(11));
    fc.assert(
      fc.property(weightsOf(2), fc.constantFrom(1, 2, 5.5), credits, (weights, maxLead, toggles) => {
        const share = new Share({ maxLag: 100, maxLead, holdMs: 1e9 });
        const members = join(share, weights);
        const total = sum(weights);
        const counts = new Map<ShareMember, number>();
        let n = 0;
        for (let step = 0; step < 200; step++) {
          const toggled = members[toggles.next().value % members.length];
          if (toggled !== undefined) share.setEligible(toggled, !toggled.eligible, 0);
          const choice = share.choose(0);
          if (choice === undefined) continue;
          expect(choice.eligible).toBe(true);
          n += 1;
          count(counts, choice);
          const floor = Math.min(...members.map((member) => member.pass));
          for (const member of members) {
            expect((member.pass - floor) * member.weight).toBeLessThan(maxLead + 1);
            const off = (counts.get(member) ?? 0) - (n * member.weight) / total;
            expect(off).toBeLessThan((maxLead + 1) * (1 - member.weight / total) + SLACK);
            expect(off).toBeGreaterThan(-((maxLead + 1) * (members.length - 1) * member.weight) / total - SLACK);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  test("a stuck analyzer stops the queue for no longer than the hold time (G3)", () => {
    fc.assert(
      fc.property(weightsOf(2), fc.nat(100), fc.integer({ min: 1, max: 500 }), (weights, before, holdMs) => {
        const share = new Share({ maxLag: 100, maxLead: 1, holdMs });
        const [stuck, ...others] = join(share, weights);
        if (stuck === undefined) throw new Error("unreachable");
        for (let i = 0; i < before; i++) share.choose(0);
        share.setEligible(stuck, false, 0);
        let choices = 0;
        while (share.choose(0) !== undefined) choices += 1;
        // Nobody gets more than two tasks beyond its part before it must wait.
        expect(choices).toBeLessThanOrEqual(sum(others.map((member) => 2 + member.weight / stuck.weight)) + 1);
        expect(share.wakeAtMs(0)).toBe(holdMs);
        expect(share.choose(holdMs - 0.5)).toBeUndefined();
        for (let i = 0; i < 100; i++) expect(share.choose(holdMs)).toBeDefined();
        expect(share.wakeAtMs(holdMs)).toBeUndefined();
      }),
    );
  });
});

type Event =
  | { readonly kind: "choose" }
  | { readonly kind: "toggle" | "detach" | "forget"; readonly who: number }
  | { readonly kind: "attach" | "weight"; readonly who: number; readonly weight: number };

const who = fc.nat(9);
const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: fc.record({ kind: fc.constant("choose" as const) }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("toggle" as const), who }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("detach" as const, "forget"), who }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("attach" as const), who, weight }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("weight" as const), who, weight }) },
  ),
  { minLength: 50, maxLength: 400 },
);

/** Lets an event happen, if it can. Returns who was chosen. */
function happen(share: Share, members: Map<number, ShareMember>, event: Event): ShareMember | undefined {
  if (event.kind === "choose") return share.choose(0);
  const member = members.get(event.who);
  if (event.kind === "attach") members.set(event.who, share.attach(`a${event.who}`, event.weight, 0));
  else if (member === undefined) return undefined;
  else if (event.kind === "toggle" && member.attached) share.setEligible(member, !member.eligible, 0);
  else if (event.kind === "detach") share.detach(member);
  else if (event.kind === "weight") share.setWeight(member, event.weight);
  else if (event.kind === "forget" && !member.attached) {
    share.forget(member);
    members.delete(event.who);
  }
  return undefined;
}

describe("through joins, leaves, credit and weights that come and go", () => {
  test("only the eligible are chosen, and one is whenever there is one (R1)", () => {
    fc.assert(
      fc.property(events, (sequence) => {
        const share = new Share(UNLIMITED);
        const members = new Map<number, ShareMember>();
        for (const event of sequence) {
          const eligible = [...members.values()].filter((member) => member.attached && member.eligible);
          const choice = happen(share, members, event);
          if (event.kind !== "choose") continue;
          if (eligible.length === 0) expect(choice).toBeUndefined();
          else expect(eligible).toContain(choice);
        }
      }),
    );
  });

  test("the eligible are owed at most max lag, and are at most a task ahead; V never falls (R3, R4)", () => {
    fc.assert(
      fc.property(events, fc.constantFrom(0, 1, 5, 100), (sequence, maxLag) => {
        const share = new Share({ ...UNLIMITED, maxLag });
        const members = new Map<number, ShareMember>();
        let virtualTime = 0;
        for (const event of sequence) {
          happen(share, members, event);
          expect(share.virtualTime).toBeGreaterThanOrEqual(virtualTime);
          virtualTime = share.virtualTime;
          for (const member of members.values()) {
            expect(share.lead(member)).toBeLessThanOrEqual(1 + SLACK);
            if (member.eligible) expect(share.lead(member)).toBeGreaterThanOrEqual(-maxLag - SLACK);
          }
        }
      }),
    );
  });

  test("an eligible one waits for a bounded number of tasks of each other one (R4)", () => {
    const courses = fc.array(fc.tuple(fc.constantFrom("toggle", "rejoin", "choose", "choose"), fc.nat(9)), {
      minLength: 100,
      maxLength: 600,
    });
    fc.assert(
      fc.property(weightsOf(3), fc.constantFrom(0, 3, 20), fc.nat(100), courses, (weights, maxLag, before, course) => {
        const share = new Share({ ...UNLIMITED, maxLag });
        const [patient, ...others] = join(share, weights);
        if (patient === undefined) throw new Error("unreachable");
        for (let i = 0; i < before; i++) share.choose(0);
        const since = new Map<ShareMember, number>();
        const observe = (choice: ShareMember | undefined) => {
          if (choice === undefined) throw new Error("nobody was chosen");
          if (choice === patient) return since.clear();
          count(since, choice);
          expect(since.get(choice)).toBeLessThanOrEqual(maxLag + choice.weight / patient.weight + 1 + SLACK);
        };
        for (const [kind, pick] of course) {
          const other = others[pick % others.length];
          if (other === undefined) throw new Error("unreachable");
          if (kind === "rejoin") {
            share.detach(other);
            share.attach(other.id, other.weight, 0);
          } else if (kind === "toggle") {
            share.setEligible(other, !other.eligible, 0);
          } else {
            observe(share.choose(0));
          }
        }
      }),
    );
  });

  test("refunds in the reverse order of choosing restore every pass", () => {
    fc.assert(
      fc.property(weightsOf(1), fc.nat(200), fc.integer({ min: 1, max: 1000 }), (weights, before, refunds) => {
        const share = new Share(UNLIMITED);
        const members = join(share, weights);
        for (let i = 0; i < before; i++) share.choose(0);
        const passes = members.map((member) => member.pass);
        const virtualTime = share.virtualTime;
        const chosen: ShareMember[] = [];
        for (let i = 0; i < refunds; i++) chosen.push(...[share.choose(0)].filter((each) => each !== undefined));
        for (const member of chosen.reverse()) share.refund(member);
        expect(share.virtualTime).toBeCloseTo(virtualTime, 6);
        for (const [index, member] of members.entries()) expect(member.pass).toBeCloseTo(passes[index] ?? 0, 6);
      }),
    );
  });
});
