/**
 * D1 and D2 of the directory lock, as far as one process can show them; `crash.test.ts` has several.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pid } from "node:process";
import { expect, it, onTestFinished } from "vitest";
import { StoreOpenError } from "../port.ts";
import { temporaryDirectory } from "../testing/lmdb-test-store.ts";
import { DirectoryLock } from "./directory-lock.ts";

function newDirectory(): string {
  const directory = temporaryDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

it("creates the directory, with those above it", () => {
  const directory = join(newDirectory(), "a/b/c");
  DirectoryLock.acquire(directory).release();
  expect(readdirSync(directory)).toEqual(["owner.1"]);
});

it("is given once, and again after it was released", () => {
  const directory = newDirectory();
  for (let count = 0; count < 3; count++) {
    const lock = DirectoryLock.acquire(directory);
    expect(() => DirectoryLock.acquire(directory)).toThrow(StoreOpenError);
    expect(() => DirectoryLock.acquire(directory)).toThrow(new RegExp(`${directory} is in use by process ${pid}`));
    lock.release();
  }
  expect(readdirSync(directory)).toEqual(["owner.3"]);
});

it.each([
  ["a process id that another process has now", JSON.stringify({ pid, startTime: "1", bootId: "" })],
  ["a process that is gone", JSON.stringify({ pid: 2 ** 22 + 1, startTime: "1", bootId: "" })],
  ["nothing that can be read", '{"pid":'],
  ["nothing", ""],
])("is not held by %s", (_, owner) => {
  const directory = newDirectory();
  writeFileSync(join(directory, "owner.41"), owner);
  writeFileSync(join(directory, "owner.42.7.8"), "a draft that a crash left behind");
  DirectoryLock.acquire(directory);
  expect(readdirSync(directory).sort()).toEqual(["owner.42", "owner.42.7.8"]);
  expect(() => DirectoryLock.acquire(directory)).toThrow(StoreOpenError);
});

it("lets errors of the file system through", () => {
  const directory = newDirectory();
  writeFileSync(join(directory, "file"), "");
  expect(() => DirectoryLock.acquire(join(directory, "file"))).toThrow("EEXIST");
  expect(() => DirectoryLock.acquire(join(directory, "file/data"))).toThrow("ENOTDIR");
  mkdirSync(join(directory, "owner.1"));
  expect(() => DirectoryLock.acquire("/proc/nothing/here")).toThrow("ENOENT");
});
