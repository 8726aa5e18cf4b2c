import { describe, expect, test } from "vitest";
import { CreditWindow } from "../core/credit.ts";
import { DEFAULT_QUEUE_SETTINGS } from "../store/port.ts";
import { AnalyzerRecord } from "./analyzer.ts";
import { LiveSession } from "./live-session.ts";
import { QueueState } from "./queue-state.ts";

/** An attached analyzer of two queues, with credit. */
function makeAnalyzer() {
  const ignore = () => {};
  const port = { peer: "", takesMore: true, send: () => port.takesMore, end: ignore };
  const events = { received: ignore, becameWritable: ignore, finished: ignore, broken: ignore, over: ignore };
  const session = new LiveSession("1-1", port, events);
  session.window = new CreditWindow(2);
  session.window.grant(2);
  const analyzer = new AnalyzerRecord("a", 3);
  analyzer.session = session;
  const queues = ["q", "r"].map((name) => new QueueState(name, DEFAULT_QUEUE_SETTINGS));
  const subscriptions = queues.map((queue) => analyzer.subscribe(queue, 0));
  analyzer.apply("hello");
  /** What A1 says of it, and in which queues it holds. */
  const eligibility = () => [analyzer.refreshEligibility(0), ...queues.map(({ share }) => share.eligibleCount)];
  return { analyzer, session, port, queues, subscriptions, eligibility };
}

const YES = [true, 1, 1];
const NO = [false, 0, 0];

describe("an analyzer is eligible in all its queues (A1)", () => {
  test("while it is attached, and not while its hello is being answered", () => {
    const { analyzer, eligibility } = makeAnalyzer();
    expect(eligibility()).toEqual(YES);
    expect(eligibility()).toEqual(YES);
    analyzer.apply("drain");
    expect(eligibility()).toEqual(NO);
    analyzer.reopen();
    expect(eligibility()).toEqual(NO);
    analyzer.apply("hello");
    expect(eligibility()).toEqual(YES);
  });

  test("while it has a session that is writable", () => {
    const { analyzer, session, port, eligibility } = makeAnalyzer();
    port.takesMore = false;
    session.outbox.accepted(1);
    session.flush();
    expect(eligibility()).toEqual(NO);
    port.takesMore = true;
    session.writable();
    expect(eligibility()).toEqual(YES);
    analyzer.session = undefined;
    expect(eligibility()).toEqual(NO);
  });

  test("while it has credit and room", () => {
    const { session, eligibility } = makeAnalyzer();
    session.window.spend();
    expect(eligibility()).toEqual(YES);
    session.window.spend();
    expect(eligibility()).toEqual(NO);
    session.window.answer();
    expect(eligibility()).toEqual(NO);
    session.window.grant(1);
    expect(eligibility()).toEqual(YES);
  });
});

describe("an analyzer's place in a queue", () => {
  test("is one, however often it subscribes, and keeps its figures", () => {
    const { analyzer, queues, subscriptions } = makeAnalyzer();
    const [queue] = queues;
    const [subscription] = subscriptions;
    if (queue === undefined || subscription === undefined) throw new Error("unreachable");
    expect(subscription).toMatchObject({ fraction: 1, delivered: 0, completed: 0, failed: 0, analyzer });
    subscription.delivered = 5;
    analyzer.detachShares();
    expect(analyzer.subscribe(queue, 0)).toBe(subscription);
    expect([subscription.member.attached, subscription.delivered]).toEqual([true, 5]);
    expect([...queue.subscriptions]).toEqual([[subscription.member, subscription]]);
  });

  test("is left by all that it serves, and remembered", () => {
    const { analyzer, queues, subscriptions, eligibility } = makeAnalyzer();
    eligibility();
    analyzer.detachShares();
    expect([...analyzer.served()]).toEqual([]);
    expect(queues.map(({ share }) => [share.size, share.eligibleCount, [...share.members()].length])).toEqual([
      [0, 0, 1],
      [0, 0, 1],
    ]);
    for (const { queue } of subscriptions) analyzer.subscribe(queue, 0);
    expect([...analyzer.served()]).toEqual(subscriptions);
    expect(eligibility()).toEqual(YES);
  });

  test("leaves no trace when it is forgotten", () => {
    const { analyzer, queues, subscriptions, eligibility } = makeAnalyzer();
    eligibility();
    analyzer.forgetShares();
    expect(analyzer.subscriptions.size).toBe(0);
    for (const { share, subscriptions: known } of queues) expect([...share.members(), ...known]).toEqual([]);
    const again = subscriptions.map(({ queue }) => analyzer.subscribe(queue, 0));
    expect(again[0]?.member).not.toBe(subscriptions[0]?.member);
  });
});
