import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../test/support/virtual-clock.ts";
import { Alarm } from "./alarm.ts";

/** An alarm with the times at which it rang. */
function makeAlarm() {
  const clock = new VirtualClock();
  const rings: number[] = [];
  const alarm = new Alarm(clock, () => rings.push(clock.monotonicMs()));
  return { clock, rings, alarm };
}

describe("an alarm", () => {
  test("rings once, at the earliest time asked for, with one timer for all", async () => {
    const { clock, rings, alarm } = makeAlarm();
    await clock.advance(1000);
    for (const delayMs of [300, 100, 200]) alarm.within(delayMs);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(99);
    expect(rings).toEqual([]);
    await clock.advance(1000);
    expect(rings).toEqual([1100]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("takes an earlier time whenever it was asked for the later one", async () => {
    const { clock, rings, alarm } = makeAlarm();
    alarm.within(100);
    await clock.advance(50);
    alarm.within(60);
    alarm.within(20);
    await clock.advance(1000);
    expect(rings).toEqual([70]);
  });

  test("sets no new timer when it is asked for the time at which it stands", () => {
    const { clock, alarm } = makeAlarm();
    let set = 0;
    const after = clock.after.bind(clock);
    clock.after = (delayMs, run) => {
      set += 1;
      return after(delayMs, run);
    };
    for (let asked = 0; asked < 3; asked++) alarm.within(100);
    expect(set).toBe(1);
  });

  test("can be asked again once it has rung, even while it rings", async () => {
    const clock = new VirtualClock();
    const rings: number[] = [];
    const alarm: Alarm = new Alarm(clock, () => {
      rings.push(clock.monotonicMs());
      if (rings.length < 3) alarm.within(100);
    });
    alarm.within(10);
    await clock.advance(1000);
    expect(rings).toEqual([10, 110, 210]);
    alarm.within(5);
    await clock.advance(5);
    expect(rings).toEqual([10, 110, 210, 1005]);
  });

  test("never rings after it was stopped, whatever was asked before or is asked later", async () => {
    const { clock, rings, alarm } = makeAlarm();
    alarm.within(100);
    alarm.stop();
    alarm.within(10);
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(1000);
    expect(rings).toEqual([]);
  });
});
