/**
 * G1 to G3 of group commit, without a disk.
 */
import { describe, expect, it } from "vitest";
import { StoreFailedError } from "../port.ts";
import { GroupCommit } from "./group-commit.ts";

/** A disk that commits when told to. */
class SlowDisk {
  written = 0;
  readonly commits: { readonly size: number; readonly end: (error?: Error) => void }[] = [];
  readonly failures: StoreFailedError[] = [];
  readonly group = new GroupCommit({
    isDirty: () => this.written > 0,
    commit: () => {
      const size = this.written;
      this.written = 0;
      return new Promise((resolve, reject) => {
        this.commits.push({ size, end: (error) => (error === undefined ? resolve() : reject(error)) });
      });
    },
    onFailure: (error) => this.failures.push(error),
  });

  write(): Promise<void> {
    this.written += 1;
    return this.group.durable();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("group commit", () => {
  it("commits once what was written in one turn, and once what was written meanwhile", async () => {
    const disk = new SlowDisk();
    const first = [disk.write(), disk.write(), disk.write()];
    await turn();
    const second = [disk.write(), disk.write()];
    await turn();
    expect(disk.commits.map(({ size }) => size)).toEqual([3]);
    disk.commits[0]?.end();
    await Promise.all(first);
    expect(disk.commits.map(({ size }) => size)).toEqual([3, 2]);
    disk.commits[1]?.end();
    await Promise.all(second);
    await disk.group.durable();
    expect(disk.commits).toHaveLength(2);
  });

  it("makes a read wait for the commit of what it may have seen", async () => {
    const disk = new SlowDisk();
    const write = disk.write();
    await turn();
    let hasRead = false;
    const read = disk.group.durable().then(() => {
      hasRead = true;
    });
    await turn();
    expect(hasRead).toBe(false);
    disk.commits[0]?.end();
    await Promise.all([write, read]);
  });

  it("fails everything that waits, and everything after, and tells once", async () => {
    const disk = new SlowDisk();
    const first = disk.write();
    await turn();
    const second = disk.write();
    disk.commits[0]?.end(new Error("no space left"));
    const outcomes = await Promise.allSettled([first, second]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await expect(disk.write()).rejects.toThrow(/no space left.* stop/);
    expect(() => disk.group.check()).toThrow(StoreFailedError);
    await turn();
    expect(disk.failures).toHaveLength(1);
    expect(disk.commits).toHaveLength(1);
  });

  it("lets a running commit succeed when the store fails for another reason", async () => {
    const disk = new SlowDisk();
    const first = disk.write();
    await turn();
    const second = disk.write();
    disk.group.fail(new Error("damage"));
    disk.commits[0]?.end();
    await first;
    await expect(second).rejects.toThrow("damage");
    expect(disk.commits).toHaveLength(1);
  });

  it("keeps the failure that came first, with its cause", () => {
    const disk = new SlowDisk();
    const cause = new Error("first");
    expect(disk.group.fail(cause)).toMatchObject({ cause });
    expect(disk.group.fail(new Error("second"))).toMatchObject({ cause });
  });
});
