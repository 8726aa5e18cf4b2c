/** The share against a model of design that looks at every member for every decision, for any course of events. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Share, type ShareMember, type SharePolicy } from "./share.ts";
import { LeadGate } from "./share-lead.ts";
import { Member } from "./share-member.ts";

interface ModelMember {
  readonly id: string;
  readonly twin: ShareMember;
  weight: number;
  pass: number;
  attached: boolean;
  eligible: boolean;
  idleSinceMs: number;
}

/** The rule as its definition reads, without heaps. */
class Model {
  readonly members = new Map<string, ModelMember>();
  readonly share: Share;
  policy: SharePolicy;
  nowMs = 0;
  virtualTime = 0;
  readonly #before: number[] = [];

  constructor(policy: SharePolicy) {
    this.policy = policy;
    this.share = new Share(policy);
  }

  attach(id: string, weight: number): void {
    const twin = this.share.attach(id, weight, this.nowMs);
    const known = this.members.get(id);
    if (known === undefined) {
      const pass = this.virtualTime;
      const member = { id, twin, weight, pass, attached: true, eligible: false, idleSinceMs: this.nowMs };
      this.members.set(id, member);
      return;
    }
    expect(twin).toBe(known.twin);
    if (!known.attached) known.idleSinceMs = this.nowMs;
    if (!known.attached || weight !== known.weight) this.reweigh(known, weight);
    known.attached = true;
  }

  reweigh(member: ModelMember, weight: number): void {
    if (weight !== member.weight) {
      member.pass = this.virtualTime + (member.pass - this.virtualTime) * member.weight * (1 / weight);
      member.weight = weight;
    }
    this.limitLag(member);
  }

  limitLag(member: ModelMember): void {
    member.pass = Math.max(member.pass, this.virtualTime - this.policy.maxLag * (1 / member.weight));
  }

  choose(): ModelMember | undefined {
    const attached = [...this.members.values()].filter((member) => member.attached);
    const eligible = attached.filter((member) => member.eligible);
    const live = attached.filter((member) => member.eligible || this.nowMs - member.idleSinceMs < this.policy.holdMs);
    const floor = Math.min(...live.map((member) => member.pass));
    const maxLead = this.policy.maxLead * (1 - 2 ** -10);
    const choice = eligible
      .filter((member) => member.pass - maxLead * (1 / member.weight) < floor)
      .sort((a, b) => a.pass - b.pass || (a.id < b.id ? -1 : 1))[0];
    if (choice === undefined) return undefined;
    this.#before.push(this.virtualTime);
    const counting = this.policy.maxLead === Number.POSITIVE_INFINITY ? eligible.map((member) => member.pass) : [floor];
    this.virtualTime = Math.max(this.virtualTime, Math.min(...counting));
    choice.pass += 1 / choice.weight;
    return choice;
  }

  refund(member: ModelMember): void {
    this.virtualTime = this.#before.pop() ?? this.virtualTime;
    member.pass -= 1 / member.weight;
    this.limitLag(member);
  }
}

type Step =
  | { readonly kind: "choose" | "refund" | "detach" | "forget" | "policy"; readonly who: number }
  | { readonly kind: "attach" | "weight"; readonly who: number; readonly weight: number }
  | { readonly kind: "eligible"; readonly who: number; readonly eligible: boolean }
  | { readonly kind: "wait"; readonly ms: number };

// Powers of 2 keep the arithmetic exact, so that the model and the share cannot differ by rounding.
const weights = fc.constantFrom(0.25, 0.5, 1, 2, 4, 16);
const who = fc.nat(7);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ kind: fc.constant("choose" as const), who }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("refund" as const), who }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("detach" as const, "forget", "policy"), who }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("attach" as const), who, weight: weights }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("weight" as const), who, weight: weights }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("eligible" as const), who, eligible: fc.boolean() }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(80) }) },
  ),
  { minLength: 20, maxLength: 250 },
);
/** Weights of those who are there, with credit, from the beginning. */
const present = fc.array(weights, { maxLength: 8 });
const policies: fc.Arbitrary<SharePolicy> = fc.record({
  maxLag: fc.constantFrom(0, 2, 10),
  maxLead: fc.constantFrom(1, 1.5, 2, 8, Number.POSITIVE_INFINITY),
  holdMs: fc.constantFrom(0, 50, 100),
});

function applyChoice(model: Model, chosen: ModelMember[]): void {
  const { share, nowMs } = model;
  const wakeMs = share.wakeAtMs(nowMs);
  const expected = model.choose();
  expect(share.choose(nowMs)?.id).toBe(expected?.id);
  if (expected === undefined) {
    if (share.eligibleCount > 0) expect(wakeMs).toBeGreaterThan(nowMs);
  } else {
    chosen.push(expected);
  }
}

function applyOther(
  model: Model,
  step: Exclude<Step, { kind: "choose" | "wait" }>,
  chosen: ModelMember[],
  next: SharePolicy,
) {
  const { share, nowMs } = model;
  const member = model.members.get(`a${step.who}`);
  if (step.kind === "attach") {
    model.attach(`a${step.who}`, step.weight);
  } else if (step.kind === "policy") {
    model.policy = next;
    share.setPolicy(next);
    for (const each of model.members.values()) model.limitLag(each);
  } else if (step.kind === "refund") {
    const last = chosen.pop();
    if (last === undefined || model.members.get(last.id) !== last) return;
    model.refund(last);
    share.refund(last.twin);
  } else if (member === undefined) {
    return;
  } else if (step.kind === "weight" && step.weight !== member.weight) {
    model.reweigh(member, step.weight);
    share.setWeight(member.twin, step.weight);
  } else if (step.kind === "eligible" && member.attached && member.eligible !== step.eligible) {
    member.eligible = step.eligible;
    if (step.eligible) model.limitLag(member);
    else member.idleSinceMs = nowMs;
    share.setEligible(member.twin, step.eligible, nowMs);
  } else if (step.kind === "detach") {
    member.attached = false;
    member.eligible = false;
    share.detach(member.twin);
  } else if (step.kind === "forget" && !member.attached) {
    model.members.delete(member.id);
    share.forget(member.twin);
    chosen.length = 0;
  }
}

describe("the share, by its model", () => {
  test("chooses as the definition says through any course of events", () => {
    fc.assert(
      fc.property(policies, policies, present, steps, (policy, next, weightsThere, sequence) => {
        const model = new Model(policy);
        const chosen: ModelMember[] = [];
        for (const [index, weight] of weightsThere.entries()) {
          model.attach(`a${index}`, weight);
          applyOther(model, { kind: "eligible", who: index, eligible: true }, chosen, next);
        }
        for (const step of sequence) {
          if (step.kind === "wait") model.nowMs += step.ms;
          else if (step.kind === "choose") applyChoice(model, chosen);
          else applyOther(model, step, chosen, next);
          expect(model.share.virtualTime).toBe(model.virtualTime);
          const all = [...model.members.values()];
          for (const member of all) expect(member.twin.pass, member.id).toBe(member.pass);
          expect(model.share.size).toBe(all.filter((member) => member.attached).length);
          expect(model.share.eligibleCount).toBe(all.filter((member) => member.eligible).length);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the wake-up time", () => {
  test("is exact: nothing changes before it, and then somebody is chosen or it names a later one", () => {
    const people = fc.array(
      fc.record({
        weight: weights,
        lead: fc.integer({ min: 0, max: 4 }),
        eligible: fc.boolean(),
        idleSinceMs: fc.nat(99),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(people, (each) => {
        const gate = new LeadGate(1, 100);
        const members = each.map(({ weight, lead, eligible, idleSinceMs }, index) => {
          const member = new Member(`a${index}`, weight, lead, idleSinceMs);
          member.eligible = eligible;
          gate.add(member);
          return member;
        });
        const least = members.filter(({ eligible }) => eligible).sort((a, b) => a.pass - b.pass)[0];
        if (least === undefined) return;
        const choose = (nowMs: number) => gate.choose(gate.floor(nowMs, least), least);
        let nowMs = 99;
        let wakeUps = 0;
        while (choose(nowMs) === undefined) {
          const wakeMs = gate.wakeAtMs(nowMs, least);
          expect(wakeMs).toBeGreaterThan(nowMs);
          if (wakeMs === undefined) throw new Error("unreachable");
          expect(choose(wakeMs - 0.001)).toBeUndefined();
          nowMs = wakeMs;
          wakeUps += 1;
        }
        expect(nowMs).toBeLessThan(200);
        expect(wakeUps).toBeLessThanOrEqual(each.length);
      }),
    );
  });
});

describe("the cost of a bounded lead", () => {
  test("is not paid again for members found to be too far ahead", () => {
    // 10,000 members are one task ahead of one that waits for its hold time. Every decision but the first looks at one seat.
    const share = new Share({ maxLag: 100, maxLead: 1, holdMs: 1000 });
    share.attach("slow", 1, 0);
    const count = 10_000;
    for (let i = 0; i < count; i++) share.setEligible(share.attach(`a${i}`, 1, 0), true, 0);
    for (let i = 0; i < count; i++) expect(share.choose(0)).toBeDefined();
    for (let i = 0; i < 100_000; i++) if (share.choose(1) !== undefined) throw new Error("somebody did not wait");
    expect(share.choose(1000)).toBeDefined();
  });
});
