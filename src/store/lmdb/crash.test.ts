/**
 * The lmdb store when its process is killed, its disk is full, or a second process wants its directory.
 */
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pid } from "node:process";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { NOW_MS, newTask, QUEUE } from "../conformance/fixture.ts";
import { StoreFailedError, StoreOpenError } from "../port.ts";
import { ChildProgram } from "../testing/child-process.ts";
import { temporaryDirectory } from "../testing/lmdb-test-store.ts";
import type { ChildMessage } from "../testing/store-child.ts";
import { LmdbStore } from "./lmdb-store.ts";

const TIMEOUT_MS = 60_000;
let program: ChildProgram;
beforeAll(async () => {
  program = await ChildProgram.compile();
}, TIMEOUT_MS);
afterAll(() => program.end());

function newDirectory(): string {
  const directory = temporaryDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function idsOf(messages: readonly (ChildMessage | undefined)[], kind: "accepted" | "rejected"): string[] {
  return messages.flatMap((message) => (message?.kind === kind ? message.ids : []));
}

async function openStore(directory: string): Promise<LmdbStore> {
  const store = new LmdbStore({ directory });
  onTestFinished(() => store.close());
  await store.open();
  return store;
}

async function missing(store: LmdbStore, ids: readonly string[]): Promise<string[]> {
  const tasks = await Promise.all(ids.map((id) => store.get(id)));
  return ids.filter((_, index) => tasks[index] === undefined);
}

it("has every task whose insert resolved before kill -9", { timeout: TIMEOUT_MS }, async () => {
  const directory = newDirectory();
  const accepted: string[] = [];
  for (const target of [1600, 8000, 20_000]) {
    const child = program.start("insert", directory);
    expect(await child.next()).toEqual({ kind: "opened", leasesMayBeHeld: accepted.length > 0 });
    const before = accepted.length;
    while (accepted.length < before + target) accepted.push(...idsOf([await child.next()], "accepted"));
    await child.kill();
    accepted.push(...idsOf(await child.rest(), "accepted"));
  }
  const store = await openStore(directory);
  expect(await missing(store, accepted)).toEqual([]);
  const [queue] = await store.queues();
  expect(queue?.counts.PENDING).toBeGreaterThanOrEqual(new Set(accepted).size);
});

it("rejects what a full disk did not take, keeps what it did, and is failed from then on", {
  timeout: TIMEOUT_MS,
}, async () => {
  const directory = newDirectory();
  const messages = await program.start("insert", directory, 4000).rest();
  const accepted = idsOf(messages, "accepted");
  const rejected = idsOf(messages, "rejected");
  expect(accepted.length).toBeGreaterThan(1000);
  expect(rejected.length).toBeGreaterThan(0);
  const names = messages.flatMap((message) => (message.kind === "rejected" ? message.name : []));
  expect(new Set(names)).toEqual(new Set(["StoreFailedError"]));
  // Whether it was the log or a checkpoint that found the disk full, the message says so.
  const reasons = messages.flatMap((message) => (message.kind === "rejected" ? message.message : []));
  for (const reason of reasons) expect(reason).toMatch(/(file too large|input\/output error).*check disk space/i);
  const later = Array.from({ length: 4 }, () => "StoreFailedError");
  expect(messages.at(-1)).toEqual({ kind: "failed", failures: 1, later, unhandled: 0 });

  const store = await openStore(directory);
  expect(await missing(store, accepted)).toEqual([]);
  expect(await missing(store, rejected)).toEqual(rejected);
  expect((await store.queues())[0]?.counts.PENDING).toBe(accepted.length);
});

it("is refused to a second process, by name of the directory and id of the first", {
  timeout: TIMEOUT_MS,
}, async () => {
  const directory = newDirectory();
  const store = await openStore(directory);
  const second = await program.start("hold", directory).next();
  expect(second).toMatchObject({ kind: "refused", name: "StoreOpenError" });
  expect(second).toMatchObject({ message: expect.stringContaining(directory) });
  expect(second).toMatchObject({ message: expect.stringContaining(`process ${pid}`) });
  await store.insert([newTask(1)], NOW_MS);
});

it("is free again after kill -9 of its owner", { timeout: TIMEOUT_MS }, async () => {
  const directory = newDirectory();
  const child = program.start("hold", directory);
  expect(await child.next()).toEqual({ kind: "opened", leasesMayBeHeld: false });
  const store = new LmdbStore({ directory });
  await expect(store.open()).rejects.toThrow(new RegExp(`in use by process ${child.pid}`));
  await expect(store.open()).rejects.toThrow(StoreOpenError);
  await child.kill();
  const start = await store.open();
  expect(start).toEqual({ epoch: 2, leasesMayBeHeld: true });
  await store.close();
});

it("goes to one of several processes that start at the same time", { timeout: TIMEOUT_MS }, async () => {
  const directory = newDirectory();
  const dead = program.start("hold", directory);
  await dead.next();
  await dead.kill();
  const children = [1, 2, 3, 4].map(() => program.start("hold", directory));
  const kinds = await Promise.all(children.map(async (child) => (await child.next())?.kind));
  expect(kinds.sort()).toEqual(["opened", "refused", "refused", "refused"]);
});

it("fails when another process got past the lock, which then works on alone", { timeout: TIMEOUT_MS }, async () => {
  const directory = newDirectory();
  const failures: StoreFailedError[] = [];
  const store = new LmdbStore({ directory, onFailure: (error) => failures.push(error) });
  await store.open();
  await store.insert([newTask(1)], NOW_MS);
  // As in another container, where the process ids of this one mean nothing.
  for (const name of readdirSync(directory)) if (name.startsWith("owner.")) writeFileSync(join(directory, name), "");
  const second = program.start("hold", directory);
  expect(await second.next()).toMatchObject({ kind: "opened" });
  await expect(store.insert([newTask(2)], NOW_MS)).rejects.toThrow(/another process has opened the data directory/);
  await expect(store.claim(QUEUE, 1, 1)).rejects.toThrow(StoreFailedError);
  expect(failures).toHaveLength(1);
  await store.close();
  await second.kill();
  const after = await openStore(directory);
  expect((await after.queues())[0]?.counts.PENDING).toBe(1);
});
