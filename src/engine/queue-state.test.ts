import { describe, expect, test } from "vitest";
import { DEFAULT_QUEUE_SETTINGS } from "../store/port.ts";
import { QueueState } from "./queue-state.ts";

function joined(queue: QueueState, id: string, eligible: boolean) {
  const member = queue.share.attach(id, 1, 0);
  if (eligible) queue.share.setEligible(member, true, 0);
  return member;
}

/** How many tasks a queue's share gives away while a slow analyzer takes none, and while it is waited for. */
function choicesBesideSlow(queue: QueueState, nowMs: number): number {
  let choices = 0;
  while (choices < 50 && queue.share.choose(nowMs) !== undefined) choices += 1;
  return choices;
}

describe("the share of a queue", () => {
  test.each([
    [0, 50],
    [1, 1],
    [3, 3],
  ])("with a max lead of %d, where 0 is unlimited, lets an analyzer get %d tasks ahead", (maxLead, ahead) => {
    const queue = new QueueState("q", { ...DEFAULT_QUEUE_SETTINGS, maxLead, holdMs: 100 });
    joined(queue, "slow", false);
    joined(queue, "quick", true);
    expect(choicesBesideSlow(queue, 99)).toBe(ahead);
    expect(choicesBesideSlow(queue, 100)).toBe(50);
  });

  test("follows a change of the queue's settings", () => {
    const queue = new QueueState("q", DEFAULT_QUEUE_SETTINGS);
    joined(queue, "slow", false);
    const quick = joined(queue, "quick", true);
    const settings = { ...DEFAULT_QUEUE_SETTINGS, maxLead: 2, maxLag: 5 };
    queue.configure(settings);
    expect(queue.settings).toBe(settings);
    expect(choicesBesideSlow(queue, 0)).toBe(2);
    queue.configure({ ...settings, maxLead: 0 });
    queue.share.setEligible(quick, false, 0);
    joined(queue, "other", true);
    expect(choicesBesideSlow(queue, 0)).toBe(50);
    queue.share.setEligible(quick, true, 0);
    expect(queue.share.lead(quick)).toBe(-5);
  });
});

test("the size of a queue's tasks follows a change within some ten tasks, and a single large one little", () => {
  const queue = new QueueState("q", DEFAULT_QUEUE_SETTINGS);
  for (let task = 0; task < 40; task++) queue.observeBytes(1000);
  expect(queue.specBytes).toBeGreaterThan(990);
  expect(queue.specBytes).toBeLessThanOrEqual(1000);
  queue.observeBytes(9000);
  expect(queue.specBytes).toBeCloseTo(2000, -2);
  for (let task = 0; task < 10; task++) queue.observeBytes(0);
  expect(queue.specBytes).toBeLessThan(600);
});
