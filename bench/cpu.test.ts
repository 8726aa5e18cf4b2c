/** Reading processor time and memory from /proc. */
import { expect, test } from "vitest";
import { memoryOf, parseMemory, sumTree, treeCpuMsOf } from "./cpu.ts";

/** A line of /proc/PID/stat: times in ticks of 10 ms. */
function stat(pid: number, parent: number, [user, system, childUser, childSystem]: readonly number[]): string {
  return `${pid} (a b) S ${parent} 1 1 0 -1 0 0 0 0 0 ${user} ${system} ${childUser} ${childSystem} 20 0 1 0 100`;
}

test("a tree of processes is added up, with children that have ended and without strangers", () => {
  const stats = new Map([
    [10, stat(10, 1, [1, 2, 4, 8])],
    [11, stat(11, 10, [100, 0, 0, 0])],
    [12, stat(12, 11, [1000, 0, 0, 0])],
    [13, stat(13, 1, [10_000, 0, 0, 0])],
  ]);
  expect(sumTree(stats, 10)).toBe(11_150);
  expect(sumTree(stats, 99)).toBeUndefined();
});

test("memory is told apart into all of it and heaps", () => {
  const status = "Name:\tnode\nVmRSS:\t    2048 kB\nRssAnon:\t    1024 kB\nRssFile:\t    1024 kB\n";
  expect(parseMemory(status)).toEqual({ residentBytes: 2 * 1024 ** 2, anonymousBytes: 1024 ** 2 });
  expect(parseMemory("Name:\tkthreadd\n")).toBeUndefined();
});

test.runIf(process.platform === "linux")("this process uses something", () => {
  expect(treeCpuMsOf(process.pid)).toBeGreaterThan(0);
  expect(memoryOf(process.pid)?.residentBytes).toBeGreaterThan(1024 ** 2);
  expect(memoryOf(2 ** 30)).toBeUndefined();
});
