/**
 * The lmdb store with data that is damaged, or not its own: a clear error, never a wrong answer.
 */
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { NOW_MS, newTask, QUEUE, taskId } from "../conformance/fixture.ts";
import { StoreFailedError, StoreOpenError } from "../port.ts";
import { idPosition } from "../positions.ts";
import { copyAsAfterCrash, temporaryDirectory } from "../testing/lmdb-test-store.ts";
import { Environment, type Tables } from "./environment.ts";
import { LmdbStore } from "./lmdb-store.ts";
import { encodeNumber } from "./records.ts";

/** A closed store with ten tasks. */
async function filledDirectory(): Promise<string> {
  const directory = temporaryDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const store = new LmdbStore({ directory });
  await store.open();
  await store.insert(
    Array.from({ length: 10 }, (_, n) => newTask(n)),
    NOW_MS,
  );
  await store.close();
  return directory;
}

/** What a crash leaves of a store with ten tasks, all of them in the log only, and the path of that log. */
async function crashedDirectory(): Promise<{ directory: string; log: string }> {
  const [running, directory] = [temporaryDirectory(), temporaryDirectory()];
  onTestFinished(() => {
    for (const path of [running, directory]) rmSync(path, { recursive: true, force: true });
  });
  const store = new LmdbStore({ directory: running });
  await store.open();
  for (let n = 0; n < 10; n++) await store.insert([newTask(n)], NOW_MS);
  copyAsAfterCrash(running, directory);
  await store.close();
  return { directory, log: join(directory, "log.1.0") };
}

async function waitingIn(directory: string): Promise<number | undefined> {
  const store = new LmdbStore({ directory });
  await store.open();
  const [queue] = await store.queues();
  await store.close();
  return queue?.counts.PENDING;
}

/** Changes tables behind the store's back. */
async function change(directory: string, write: (tables: Tables) => void): Promise<void> {
  const environment = new Environment(directory);
  write(environment.tables);
  await environment.commit();
  await environment.close();
}

async function openError(directory: string): Promise<Error> {
  const error = await new LmdbStore({ directory }).open().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreOpenError);
  return error instanceof Error ? error : new Error("opened");
}

const key = (n: number): string => idPosition(taskId(n)) ?? "";

describe("open refuses", () => {
  it("a path that is a file, or can never be a directory", async () => {
    const directory = await filledDirectory();
    writeFileSync(join(directory, "file"), "");
    for (const path of [join(directory, "file"), join(directory, "file/data"), "/proc/nothing/here"]) {
      expect((await openError(path)).message).toContain(`cannot open the data directory ${path}`);
    }
  });

  it("a file that is no LMDB file", async () => {
    const directory = await filledDirectory();
    const file = join(directory, "data.mdb");
    const valid = readFileSync(file);
    const tornMeta = Buffer.from(valid).fill(0, 4096, 8192);
    for (const content of [
      Buffer.alloc(100_000, 7),
      Buffer.alloc(8192),
      Buffer.alloc(1),
      valid.subarray(0, 4096),
      tornMeta,
    ]) {
      writeFileSync(file, content);
      expect((await openError(directory)).message).toContain("data.mdb is no LMDB file");
    }
  });

  it("a file that is cut off", async () => {
    const directory = await filledDirectory();
    const file = join(directory, "data.mdb");
    for (const bytes of [readFileSync(file).length - 1, 3 * 4096, 2 * 4096]) {
      truncateSync(file, bytes);
      expect((await openError(directory)).message).toContain(`data.mdb is cut off, it has ${bytes} bytes`);
    }
  });

  it("another format", async () => {
    const directory = await filledDirectory();
    await change(directory, ({ meta }) => meta.put("format", encodeNumber(2)));
    expect((await openError(directory)).message).toContain("has format 2, this program knows 1");
  });

  it.each(["format", "node", "sequence"])("a damaged record of the node (%s)", async (name) => {
    const directory = await filledDirectory();
    await change(directory, ({ meta }) => meta.put(name, Buffer.of(1, 2, 3)));
    expect((await openError(directory)).message).toMatch(/is damaged: it is cut off/);
  });

  it("a damaged queue, or one that is missing", async () => {
    const directory = await filledDirectory();
    await change(directory, ({ queues }) => queues.put("\0\0\0\x01", Buffer.of(1)));
    expect((await openError(directory)).message).toContain("queue number 1 is damaged");
    await change(directory, ({ queues }) => queues.remove("\0\0\0\0"));
    expect((await openError(directory)).message).toContain("out of order");
  });

  it("data of another program", async () => {
    const directory = await filledDirectory();
    await change(directory, ({ meta }) => meta.remove("format"));
    expect((await openError(directory)).message).toContain("not made by this program");
  });

  it("and opens once the cause is gone", async () => {
    const directory = await filledDirectory();
    await change(directory, ({ meta }) => meta.put("format", encodeNumber(2)));
    await openError(directory);
    await change(directory, ({ meta }) => meta.put("format", encodeNumber(1)));
    const store = new LmdbStore({ directory });
    await store.open();
    expect((await store.queues())[0]?.counts.PENDING).toBe(10);
    await store.close();
  });
});

describe("the log of a crashed store", () => {
  it("is brought into the tables, twice if the start that did it crashed as well", async () => {
    const { directory, log } = await crashedDirectory();
    const bytes = readFileSync(log);
    expect(await waitingIn(directory)).toBe(10);
    expect(readdirSync(directory).filter((name) => name.startsWith("log."))).toEqual([]);
    writeFileSync(log, bytes);
    expect(await waitingIn(directory)).toBe(10);
  });

  it("ends before a record that was cut short", async () => {
    const { directory, log } = await crashedDirectory();
    truncateSync(log, readFileSync(log).length - 1);
    expect(await waitingIn(directory)).toBe(9);
  });

  it("is refused when a bit of it flipped, wherever that is, and accepted once it is put right", async () => {
    const { directory, log } = await crashedDirectory();
    const valid = readFileSync(log);
    for (let at = 0; at < valid.length; at += 97) {
      const flipped = Buffer.from(valid);
      flipped[at] = (flipped[at] ?? 0) ^ 4;
      writeFileSync(log, flipped);
      expect((await openError(directory)).message).toMatch(/is damaged: log\.1\.0: .* Restore it from a backup/);
    }
    writeFileSync(log, valid);
    expect(await waitingIn(directory)).toBe(10);
  });

  it("is missed when it is gone", async () => {
    const { directory, log } = await crashedDirectory();
    const bytes = readFileSync(log);
    rmSync(log);
    expect((await openError(directory)).message).toContain("is incomplete: the files log.* that belong to data.mdb");
    writeFileSync(log, bytes);
    expect(await waitingIn(directory)).toBe(10);
  });
});

describe("a read fails the store", () => {
  const cases: readonly (readonly [string, (tables: Tables) => void])[] = [
    ["a task with a wrong checksum", ({ tasks }) => flipLastBit(tasks, key(0))],
    ["a task that an index names and is missing", ({ tasks }) => tasks.remove(key(0))],
    ["a task of a queue that does not exist", ({ tasks }) => moveToQueueOne(tasks)],
    ["an index that has a task in a wrong place", ({ ready }) => swapFirstTwo(ready)],
    ["an index that says something else of a task", ({ ready }) => flipLastBit(ready, firstKey(ready))],
    ["an index that lacks a task", ({ ready }) => ready.remove(firstKey(ready))],
    ["an index that has a task too many", ({ ready }) => ready.put(`${firstKey(ready)}\xff`, anyEntry(ready))],
    ["a run that is cut off", ({ runs }) => runs.put(key(0), Buffer.of(1, 0, 0))],
  ];
  it.each(cases)("at %s", async (_, damage) => {
    const directory = await filledDirectory();
    await change(directory, damage);
    const failures: StoreFailedError[] = [];
    const store = new LmdbStore({ directory, onFailure: (error) => failures.push(error) });
    await store.open();
    const insert = store.insert([newTask(20)], NOW_MS);
    const read = store.claim(QUEUE, 2 ** 32, 11).then(() => store.get(taskId(0)));
    await expect(read).rejects.toThrow(StoreFailedError);
    await expect(insert).rejects.toThrow(StoreFailedError);
    await expect(store.get(taskId(5))).rejects.toThrow(StoreFailedError);
    expect(failures).toHaveLength(1);
    await store.close();
    // Rejected means: not visible later.
    const after = new LmdbStore({ directory });
    await after.open();
    expect(await after.get(taskId(20))).toBeUndefined();
    await after.close();
  });
});

function flipLastBit(table: Tables["tasks"], where: string): void {
  const record = Buffer.from(table.get(where) ?? []);
  record[record.length - 1] = (record.at(-1) ?? 0) ^ 1;
  table.put(where, record);
}

/** Only its first field changes, so the checksum must be made right by hand. */
function moveToQueueOne(tasks: Tables["tasks"]): void {
  const record = Buffer.from(tasks.get(key(0)) ?? []);
  record.writeUInt32BE(1, 5);
  record.writeUInt32BE(crc32(record.subarray(5)), 1);
  tasks.put(key(0), record);
}

function firstKey(table: Tables["ready"]): string {
  for (const { key: first } of table.range({ from: "\0", to: "\xff" })) return first;
  throw new Error("the table is empty");
}

function anyEntry(table: Tables["ready"]): Buffer {
  return Buffer.from(table.get(firstKey(table)) ?? []);
}

function swapFirstTwo(ready: Tables["ready"]): void {
  const [first, second] = [...ready.range({ from: "\0", to: "\x01" })];
  if (first === undefined || second === undefined) throw new Error("no tasks");
  ready.put(first.key, second.value);
  ready.put(second.key, first.value);
}
