import { describe, expect, test } from "vitest";
import { Share, type ShareMember, type SharePolicy } from "./share.ts";

const UNLIMITED: SharePolicy = { maxLag: 100, maxLead: Number.POSITIVE_INFINITY, holdMs: 1000 };
const EXACT: SharePolicy = { maxLag: 100, maxLead: 1, holdMs: 1000 };

/** Attaches an analyzer that has credit. */
function join(share: Share, id: string, weight: number): ShareMember {
  const member = share.attach(id, weight, 0);
  share.setEligible(member, true, 0);
  return member;
}

function chooseIds(share: Share, count: number): string {
  return Array.from({ length: count }, () => share.choose(0)?.id ?? "-").join("");
}

describe("a choice", () => {
  test("is nobody without members, and nobody while none is eligible (R1)", () => {
    const share = new Share(UNLIMITED);
    expect(share.choose(0)).toBeUndefined();
    share.attach("a", 1, 0);
    expect(share.choose(0)).toBeUndefined();
    expect([share.size, share.eligibleCount, share.virtualTime]).toEqual([1, 0, 0]);
  });

  test("goes to the smallest pass, ties by id, and moves it on by 1 / weight", () => {
    const share = new Share(UNLIMITED);
    const b = join(share, "b", 1);
    const a = join(share, "a", 2);
    expect(share.choose(0)).toBe(a);
    expect([a.pass, b.pass, share.virtualTime]).toEqual([0.5, 0, 0]);
    expect(share.choose(0)).toBe(b);
    expect([a.pass, b.pass, share.virtualTime]).toEqual([0.5, 1, 0]);
    expect(share.choose(0)).toBe(a);
    expect([a.pass, b.pass, share.virtualTime]).toEqual([1, 1, 0.5]);
    expect(chooseIds(share, 6)).toBe("abaaba");
  });

  test("passes over whoever lost its eligibility", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 1);
    join(share, "b", 1);
    share.setEligible(a, false, 0);
    expect([a.eligible, share.eligibleCount]).toEqual([false, 1]);
    expect(chooseIds(share, 3)).toBe("bbb");
    share.setEligible(a, true, 0);
    expect(chooseIds(share, 5)).toBe("aaaab");
  });

  test("never draws the virtual time back (R4)", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 1);
    const b = join(share, "b", 1);
    share.setEligible(b, false, 0);
    chooseIds(share, 50);
    expect(share.virtualTime).toBe(49);
    share.setEligible(b, true, 0);
    expect(share.choose(0)).toBe(b);
    expect([share.virtualTime, share.lead(a), share.lead(b)]).toEqual([49, 1, -48]);
    expect(share.attach("c", 1, 0).pass).toBe(49);
  });
});

describe("a member", () => {
  test("begins at the virtual time, without credit", () => {
    const share = new Share(UNLIMITED);
    join(share, "a", 1);
    chooseIds(share, 5);
    const b = share.attach("b", 0.5, 0);
    expect([b.id, b.weight, b.attached, b.eligible, b.pass]).toEqual(["b", 0.5, true, false, 4]);
    expect(share.lead(b)).toBe(0);
  });

  test("that is attached again just gets the weight", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 1);
    expect(share.attach("a", 3, 0)).toBe(a);
    expect([a.weight, a.eligible, share.size, share.attachedWeight]).toEqual([3, true, 1, 3]);
  });

  test("that returns keeps what it is owed", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 1);
    join(share, "b", 1);
    share.detach(a);
    expect([a.attached, a.eligible, share.size, share.eligibleCount]).toEqual([false, false, 1, 1]);
    chooseIds(share, 11);
    expect(share.attach("a", 1, 0)).toBe(a);
    expect([a.attached, a.eligible, share.lead(a), share.size, share.eligibleCount]).toEqual([true, false, -10, 2, 1]);
  });

  test("that returns with its weight has exactly the pass it left with, whatever rounding would do to it", () => {
    const share = new Share(UNLIMITED);
    join(share, "b", 10);
    const member = join(share, "a", 49); // 49 * (1 / 49) is less than 1
    for (let round = 0; round < 100; round++) {
      share.choose(0);
      const { pass } = member;
      share.detach(member);
      expect(share.attach("a", 49, 0).pass).toBe(pass);
      share.setEligible(member, true, 0);
    }
  });

  test("that returns is owed no more than max lag (R3)", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 0.5);
    join(share, "b", 1);
    share.detach(a);
    chooseIds(share, 1001);
    share.attach("a", 0.5, 0);
    expect([share.virtualTime, a.pass, share.lead(a)]).toEqual([1000, 800, -100]);
  });

  test("that returns with another weight is owed as many tasks as before", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 1);
    join(share, "b", 1);
    share.detach(a);
    chooseIds(share, 11);
    share.attach("a", 5, 0);
    expect([a.weight, a.pass, share.lead(a), share.attachedWeight]).toEqual([5, 8, -10, 6]);
  });

  test("that returns after it was forgotten is new", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 1);
    join(share, "b", 1);
    share.detach(a);
    share.forget(a);
    chooseIds(share, 11);
    const again = share.attach("a", 1, 0);
    expect(again).not.toBe(a);
    expect(share.lead(again)).toBe(0);
  });

  test("that was without credit is owed no more than max lag once it has some (R3)", () => {
    const share = new Share({ ...UNLIMITED, maxLag: 3 });
    const a = share.attach("a", 1, 0);
    join(share, "b", 1);
    chooseIds(share, 21);
    expect(share.lead(a)).toBe(-20);
    share.setEligible(a, true, 0);
    expect(share.lead(a)).toBe(-3);
    // Three tasks to be level with V, one more to be level with b, and the tie.
    expect(chooseIds(share, 6)).toBe("aaaaab");
  });

  test("is in the list until it is forgotten", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 1);
    const b = join(share, "b", 1);
    share.detach(a);
    expect([...share.members()]).toEqual([a, b]);
    share.forget(a);
    expect([...share.members()]).toEqual([b]);
  });

  test("can be detached and forgotten twice, and made ineligible after it left", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 1);
    share.detach(a);
    share.detach(a);
    share.setEligible(a, false, 0);
    expect([share.size, share.eligibleCount]).toEqual([0, 0]);
    share.forget(a);
    share.forget(a);
    share.detach(a);
    expect([share.size, [...share.members()]]).toEqual([0, []]);
  });

  test("that was forgotten does not stand for its successor", () => {
    const share = new Share(UNLIMITED);
    const old = join(share, "a", 1);
    share.detach(old);
    share.forget(old);
    const a = join(share, "a", 1);
    share.forget(old);
    share.detach(old);
    expect([a.attached, share.size, [...share.members()]]).toEqual([true, 1, [a]]);
  });
});

describe("a change of weight", () => {
  test("keeps the lead in tasks (R6)", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 1);
    const b = join(share, "b", 1);
    share.setEligible(b, false, 0);
    chooseIds(share, 11);
    expect([share.lead(a), share.lead(b)]).toEqual([1, -10]);
    share.setWeight(a, 4);
    share.setWeight(b, 0.5);
    expect([share.lead(a), share.lead(b)]).toEqual([1, -10]);
    expect([a.pass, b.pass]).toEqual([10.25, -10]);
    expect([a.weight, b.weight, share.attachedWeight]).toEqual([4, 0.5, 4.5]);
  });

  test("that is none changes nothing, not even by rounding", () => {
    const share = new Share({ ...UNLIMITED, maxLag: 3 });
    const a = share.attach("a", 0.3, 0);
    join(share, "b", 1);
    chooseIds(share, 21);
    share.setWeight(a, 0.3);
    expect(a.pass).toBe(0);
  });

  test("takes effect on the next choices", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 1);
    join(share, "b", 1);
    expect(chooseIds(share, 4)).toBe("abab");
    share.setWeight(a, 3);
    expect(chooseIds(share, 8).replaceAll("b", "")).toBe("aaaaaa");
  });

  test("moves a member to its new place in the order", () => {
    const share = new Share(UNLIMITED);
    join(share, "a", 1);
    const b = join(share, "b", 0.5);
    join(share, "c", 1);
    expect(chooseIds(share, 4)).toBe("abca");
    expect([share.virtualTime, b.pass]).toEqual([1, 2]);
    // Half a task ahead, which is little for a heavy one: its turn comes after c, and before a.
    share.setWeight(b, 100);
    expect(b.pass).toBe(1.005);
    expect(chooseIds(share, 4)).toBe("cbbb");
  });

  test("limits the lag to max lag at once", () => {
    const share = new Share({ ...UNLIMITED, maxLag: 3 });
    const a = share.attach("a", 1, 0);
    join(share, "b", 1);
    chooseIds(share, 21);
    share.setWeight(a, 2);
    expect([share.lead(a), a.pass]).toEqual([-3, 18.5]);
  });

  test("of a detached member holds when it returns", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 1);
    share.detach(a);
    share.setWeight(a, 2);
    expect([a.weight, share.attachedWeight]).toEqual([2, 0]);
    share.attach("a", 2, 0);
    expect(share.attachedWeight).toBe(2);
  });
});

describe("a refund", () => {
  test("in the reverse order of choosing restores the state", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 0.5);
    const b = join(share, "b", 0.25);
    chooseIds(share, 7);
    const before = [a.pass, b.pass, share.virtualTime];
    const chosen = Array.from({ length: 9 }, () => share.choose(0));
    for (const member of chosen.reverse()) if (member !== undefined) share.refund(member);
    expect([a.pass, b.pass, share.virtualTime]).toEqual(before);
    expect(share.choose(0)).toBe(chosen.at(-1));
  });

  test("reaches a member that is without credit, or has left", () => {
    const share = new Share(UNLIMITED);
    const a = join(share, "a", 1);
    const b = join(share, "b", 1);
    expect(chooseIds(share, 3)).toBe("aba");
    share.setEligible(a, false, 0);
    share.refund(a);
    expect([a.pass, share.virtualTime]).toEqual([1, 0]);
    share.detach(b);
    share.refund(b);
    expect(b.pass).toBe(0);
  });

  test("for a member that was forgotten gives back the virtual time only", () => {
    const share = new Share(UNLIMITED);
    const old = join(share, "a", 1);
    chooseIds(share, 3);
    share.detach(old);
    share.forget(old);
    const a = join(share, "a", 1);
    share.refund(old);
    expect([share.virtualTime, a.pass, old.pass]).toEqual([1, 2, 3]);
  });

  test("does not make a member be owed more than max lag (R3)", () => {
    const share = new Share({ ...UNLIMITED, maxLag: 2 });
    const a = share.attach("a", 0.5, 0);
    const b = join(share, "b", 1);
    chooseIds(share, 10);
    share.setEligible(a, true, 0);
    share.setEligible(b, false, 0);
    expect([share.lead(a), chooseIds(share, 1)]).toEqual([-2, "a"]);
    share.refund(a);
    expect([share.virtualTime, share.lead(a)]).toEqual([9, -2]);
    share.refund(a);
    expect([share.virtualTime, share.lead(a)]).toEqual([8, -2]);
  });
});

describe("a bounded lead", () => {
  test("makes the fast wait for the slow (R5)", () => {
    const share = new Share(EXACT);
    const a = join(share, "a", 1);
    const b = join(share, "b", 1);
    expect(chooseIds(share, 2)).toBe("ab");
    share.setEligible(b, false, 0);
    expect(chooseIds(share, 2)).toBe("a-");
    expect(share.lead(a)).toBe(1);
    share.setEligible(b, true, 0);
    expect(chooseIds(share, 2)).toBe("ba");
  });

  test("lets a light member go on while a heavy one waits; a newcomer is level with the slowest", () => {
    const share = new Share(EXACT);
    const slow = join(share, "slow", 1);
    const heavy = join(share, "heavy", 1);
    const light = join(share, "light", 0.1);
    expect(chooseIds(share, 3)).toBe("heavylightslow");
    share.setEligible(slow, false, 0);
    expect(chooseIds(share, 3)).toBe("heavylight-");
    expect(share.attach("new", 1, 0).pass).toBe(1);
    expect([slow.pass, heavy.pass, light.pass, share.virtualTime]).toEqual([1, 2, 20, 1]);
  });

  test("does not wait for one that has been without credit for the hold time", () => {
    const share = new Share(EXACT);
    join(share, "a", 1);
    const b = join(share, "b", 1);
    expect(chooseIds(share, 1)).toBe("a");
    share.setEligible(b, false, 500);
    expect(share.choose(500)).toBeUndefined();
    expect(share.wakeAtMs(500)).toBe(1500);
    expect(share.choose(1499.9)).toBeUndefined();
    expect(share.wakeAtMs(1499.9)).toBe(1500);
    expect(share.choose(1500)?.id).toBe("a");
    expect(share.wakeAtMs(1500)).toBeUndefined();
  });

  test("waits for one that has just come, for as long as the hold time", () => {
    const share = new Share(EXACT);
    join(share, "a", 1);
    share.attach("b", 1, 300);
    expect(chooseIds(share, 1)).toBe("a");
    expect([share.choose(300), share.wakeAtMs(300)]).toEqual([undefined, 1300]);
    expect(share.choose(1300)?.id).toBe("a");
  });

  test("counts the time without credit from its return", () => {
    const share = new Share(EXACT);
    join(share, "a", 1);
    const b = share.attach("b", 1, 0);
    share.detach(b);
    expect(chooseIds(share, 2)).toBe("aa");
    share.attach("b", 1, 5000);
    expect([share.choose(5000), share.wakeAtMs(5000)]).toEqual([undefined, 6000]);
  });

  test("no longer waits for one that left", () => {
    const share = new Share(EXACT);
    join(share, "a", 1);
    const b = share.attach("b", 1, 0);
    expect(chooseIds(share, 2)).toBe("a-");
    share.detach(b);
    expect(share.wakeAtMs(0)).toBeUndefined();
    expect(chooseIds(share, 2)).toBe("aa");
  });

  test("can be set and lifted while running", () => {
    const share = new Share(UNLIMITED);
    join(share, "a", 1);
    const b = share.attach("b", 1, 0);
    expect(chooseIds(share, 3)).toBe("aaa");
    share.setPolicy(EXACT);
    expect([share.choose(999), share.wakeAtMs(999)]).toEqual([undefined, 1000]);
    share.setPolicy({ ...EXACT, holdMs: 2000 });
    expect([share.choose(999), share.wakeAtMs(999)]).toEqual([undefined, 2000]);
    share.setPolicy({ ...EXACT, maxLead: 10 });
    expect(chooseIds(share, 8)).toBe("aaaaaaa-");
    share.setPolicy(UNLIMITED);
    expect(share.wakeAtMs(0)).toBeUndefined();
    expect(chooseIds(share, 3)).toBe("aaa");
    share.setPolicy({ ...UNLIMITED, maxLag: 5 });
    expect(share.lead(b)).toBe(-5);
  });

  test("is not stretched by rounding: a whole task ahead is a whole task ahead", () => {
    for (const weight of [0.1, 0.3, 0.7, 1.1, 3, 7, 49]) {
      const share = new Share(EXACT);
      join(share, "a", weight);
      const b = join(share, "b", weight);
      for (let round = 0; round < 1000; round++) {
        share.setEligible(b, false, 0);
        expect(chooseIds(share, 2), `${weight}, round ${round}`).toBe("a-");
        share.setEligible(b, true, 0);
        expect(chooseIds(share, 1)).toBe("b");
      }
    }
  });

  test("never wakes anybody while it is unlimited, nobody is eligible, or somebody can be chosen", () => {
    const unlimited = new Share(UNLIMITED);
    join(unlimited, "a", 1);
    unlimited.attach("b", 1, 0);
    expect(unlimited.wakeAtMs(0)).toBeUndefined();
    const share = new Share(EXACT);
    expect(share.wakeAtMs(0)).toBeUndefined();
    share.attach("b", 1, 0);
    expect(share.wakeAtMs(0)).toBeUndefined();
    join(share, "a", 1);
    expect(share.wakeAtMs(0)).toBeUndefined();
  });
});

describe("a new max lag", () => {
  test("holds at once for those with credit, whose order it may change", () => {
    const share = new Share({ ...UNLIMITED, maxLag: 1000 });
    const heavy = share.attach("heavy", 1, 0);
    const light = share.attach("light", 0.1, 0);
    const busy = join(share, "busy", 1);
    chooseIds(share, 101);
    share.setEligible(busy, false, 0);
    share.setEligible(light, true, 0);
    expect(share.choose(0)).toBe(light);
    share.setEligible(heavy, true, 0);
    expect([share.virtualTime, heavy.pass, light.pass]).toEqual([100, 0, 10]);
    share.setPolicy({ ...UNLIMITED, maxLag: 5 });
    expect([heavy.pass, light.pass]).toEqual([95, 50]);
    expect(chooseIds(share, 5)).toBe("lightlightlightlightlight");
  });
});

describe("the sum of weights", () => {
  test("is exact after any changes", () => {
    const share = new Share(UNLIMITED);
    expect(share.attachedWeight).toBe(0);
    join(share, "a", 0.1);
    expect(share.attachedWeight).toBe(0.1);
    const huge = join(share, "b", 1e6);
    expect(share.attachedWeight).toBe(1e6 + 0.1);
    share.setWeight(huge, 1e5);
    expect(share.attachedWeight).toBe(1e5 + 0.1);
    share.detach(huge);
    expect(share.attachedWeight).toBe(0.1);
  });
});

describe("passes", () => {
  test("are moved back to the origin without any change of order (2^20)", () => {
    const share = new Share(UNLIMITED);
    const plain = new Share(UNLIMITED);
    const weights = { a: 2 ** -19, b: 2 ** -18, c: 2 ** -17 };
    for (const [id, weight] of Object.entries(weights)) {
      join(share, id, weight);
      join(plain, id, weight * 2 ** 19);
    }
    let highest = 0;
    for (let i = 0; i < 10_000; i++) {
      expect(share.choose(0)?.id).toBe(plain.choose(0)?.id);
      highest = Math.max(highest, share.virtualTime);
      expect(plain.virtualTime).toBeLessThan(2 ** 20);
    }
    expect(highest).toBeLessThanOrEqual(2 ** 20);
    for (const member of share.members()) {
      const twin = [...plain.members()].find(({ id }) => id === member.id);
      expect(twin && plain.lead(twin)).toBe(share.lead(member));
    }
  });

  test("are moved back at most once in as many choices as there are members, however small the weights", () => {
    const share = new Share(UNLIMITED);
    const witness = join(share, "witness", 1);
    share.detach(witness);
    for (let i = 0; i < 99; i++) join(share, `a${i}`, 1e-9 * (1 + i / 99));
    let moves = 0;
    for (let choices = 0; choices < 1000; choices++) {
      const before = witness.pass;
      share.choose(0);
      if (witness.pass !== before) moves += 1;
    }
    expect(moves).toBeGreaterThan(0);
    expect(moves).toBeLessThanOrEqual(10);
  });

  test("of the detached and the waiting move too", () => {
    const share = new Share({ ...EXACT, holdMs: 1e12 });
    const slow = join(share, "slow", 2 ** -19);
    const fast = join(share, "fast", 2 ** -19);
    const gone = join(share, "gone", 2 ** -19);
    expect(chooseIds(share, 6)).toBe("fastgoneslowfastgoneslow");
    share.detach(gone);
    const leads = [slow, fast, gone].map((member) => share.lead(member));
    expect([share.virtualTime, leads]).toEqual([2 ** 19, [1, 1, 1]]);
    expect(chooseIds(share, 4)).toBe("fastslowfastslow");
    expect(share.virtualTime).toBe(0);
    expect([slow, fast, gone].map((member) => share.lead(member))).toEqual([1, 1, -1]);
    share.setEligible(slow, false, 0);
    expect(chooseIds(share, 2)).toBe("fast-");
  });

  test("stay fair over millions of choices far beyond the origin's reach", () => {
    const share = new Share(UNLIMITED);
    const counts = new Map<string, number>();
    const weights = { a: 0.0004, b: 0.0003, c: 0.0002, d: 0.0001 };
    for (const [id, weight] of Object.entries(weights)) join(share, id, weight);
    for (let i = 0; i < 1_000_000; i++) {
      const id = share.choose(0)?.id ?? "-";
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    // 1,000 tasks per unit of virtual time: it has been moved back some 950 times.
    expect(share.virtualTime).toBeLessThan(2 ** 20 + 10_000);
    for (const [id, weight] of Object.entries(weights)) {
      expect(Math.abs((counts.get(id) ?? 0) - weight * 1e9)).toBeLessThanOrEqual(2);
    }
  });
});

describe("misuse", () => {
  test("is a plain error that says what to do", () => {
    const share = new Share(UNLIMITED);
    const a = share.attach("a", 1, 0);
    expect(() => share.forget(a)).toThrow(new Error("member a is attached: detach it before forgetting it"));
    share.detach(a);
    expect(() => share.setEligible(a, true, 0)).toThrow(
      new Error("member a is detached: attach it before making it eligible"),
    );
    share.forget(a);
    const unknown = new Error("member a is not of this share, or was forgotten");
    expect(() => share.setEligible(a, true, 0)).toThrow(unknown);
    expect(() => share.setWeight(a, 2)).toThrow(unknown);
    expect(() => share.attach("b", 0, 0)).toThrow(new Error("a weight must be a finite number greater than 0, got 0"));
    expect([...share.members()]).toEqual([]);
  });

  test.each([
    [{ ...UNLIMITED, maxLag: -1 }, "max lag must be at least 0, got -1"],
    [{ ...UNLIMITED, maxLag: Number.NaN }, "max lag must be at least 0, got NaN"],
    [{ ...UNLIMITED, maxLead: 0 }, "max lead must be at least 1, got 0"],
    [{ ...UNLIMITED, maxLead: 0.99 }, "max lead must be at least 1, got 0.99"],
    [{ ...UNLIMITED, holdMs: -1 }, "hold time must be at least 0, got -1"],
  ])("a policy out of bounds is refused: %o", (policy, message) => {
    expect(() => new Share(policy)).toThrow(new Error(message));
    const share = new Share(UNLIMITED);
    expect(() => share.setPolicy(policy)).toThrow(new Error(message));
  });

  test("a policy at its bounds is fine", () => {
    const share = new Share({ maxLag: 0, maxLead: 1, holdMs: 0 });
    join(share, "a", 1);
    share.attach("b", 1, 0);
    expect(chooseIds(share, 3)).toBe("aaa");
  });
});
