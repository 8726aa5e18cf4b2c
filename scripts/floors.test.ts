/** The floors check catches what it is there to catch, and nothing else. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FLOORS, floorProblems, importsOf } from "./floors.mjs";
import { sourceFiles } from "./source-files.mjs";

const root = join(import.meta.dirname, "..");

describe("imports only point down", () => {
  const up: [path: string, text: string][] = [
    ["src/core/share.ts", 'import { Engine } from "../engine/engine.ts";'],
    ["src/core/share.ts", 'import type { Store } from "../store/port.ts";'],
    ["src/store/port.ts", 'export { Engine } from "../engine/engine.ts";'],
    ["src/store/lmdb/keys.ts", 'import { x } from "../../engine/settings.ts";'],
    ["src/engine/engine.ts", 'import {\n  encode,\n  decode,\n} from "../rpc/codec.ts";'],
    ["src/engine/engine.ts", 'const late = await import("../cli/main.ts");'],
    ["src/rpc/server.ts", 'import "../cli/main.ts";'],
    ["src/rpc/server.ts", 'import { retry } from "../../clients/typescript/src/retry.ts";'],
    ["src/core/share.test.ts", 'import { Engine } from "../engine/engine.ts";'],
    ["src/engine/engine.ts", 'import { aTask } from "../../test/support/tasks.ts";'],
    ["src/cli/main.ts", 'import { collecting } from "./testing/collecting-terminal.ts";'],
    ["src/store/lmdb/lmdb-store.ts", 'import { keeping } from "../conformance/keeping.ts";'],
  ];
  test.each(up)("%s: %s is refused", (path, text) => {
    expect(floorProblems(path, text)).toHaveLength(1);
  });

  const down: [path: string, text: string][] = [
    ["src/cli/main.ts", 'import { serve } from "../rpc/server.ts";\nimport { Engine } from "../engine/engine.ts";'],
    ["src/rpc/server.ts", 'import type { Distributor } from "../engine/api.ts";'],
    ["src/engine/engine.ts", 'import type { Store } from "../store/port.ts";'],
    ["src/store/port.ts", 'import type { NewTask } from "../core/task.ts";'],
    ["src/core/share.ts", 'import { Heap } from "./heap.ts";'],
    ["src/engine/engine.test.ts", 'import { aTask } from "../../test/support/tasks.ts";'],
    ["src/core/share.ts", ' * a comment that says: import { Engine } from "../engine/engine.ts"'],
  ];
  test.each(down)("%s: %s is allowed", (path, text) => {
    expect(floorProblems(path, text)).toEqual([]);
  });

  test("of the bench only bench/core looks into src, and only into the core", () => {
    const problems = (path: string, specifier: string) => floorProblems(path, `import { x } from "${specifier}";`);
    expect(problems("bench/core/main.ts", "../../src/core/share.ts")).toEqual([]);
    expect(problems("bench/core/main.ts", "../history/record.ts")).toEqual([]);
    expect(problems("bench/core/main.ts", "../../src/engine/engine.ts")).toHaveLength(1);
    expect(problems("bench/peers/run.ts", "../../src/core/share.ts")).toHaveLength(1);
    expect(problems("bench/load.ts", "../src/core/share.ts")).toHaveLength(1);
  });

  test("a folder that is no floor is refused", () => {
    expect(floorProblems("src/misc/x.ts", 'import { a } from "./a.ts";')[0]).toContain("is on no floor");
  });
});

describe("floors import only what is theirs", () => {
  const foreign: [path: string, specifier: string][] = [
    ["src/core/share.ts", "node:fs"],
    ["src/core/share.ts", "uuid"],
    ["src/core/share.ts", "fast-check"],
    ["src/store/lmdb/store.ts", "@grpc/grpc-js"],
    ["src/store/lmdb/store.ts", "node:perf_hooks"],
    ["src/engine/engine.ts", "@sluice/client/contract"],
    ["src/engine/engine.ts", "node:timers/promises"],
    ["src/rpc/server.ts", "lmdb"],
    ["src/rpc/server.ts", "@sluice/client"],
    ["src/rpc/server.test.ts", "lmdb"],
    ["clients/typescript/src/emitter.ts", "pino"],
    ["clients/typescript/examples/first.ts", "@grpc/grpc-js"],
    ["bench/load.ts", "@grpc/grpc-js"],
    ["bench/load.ts", "bullmq"],
    ["bench/scale/rig.ts", "@grpc/grpc-js"],
    ["bench/peers/adapters/nats.ts", "@sluice/client/contract"],
  ];
  test.each(foreign)("%s may not import %s", (path, specifier) => {
    expect(floorProblems(path, `import { x } from "${specifier}";`)).toHaveLength(1);
  });

  const own: [path: string, specifier: string][] = [
    ["src/core/share.test.ts", "fast-check"],
    ["src/store/lmdb/store.ts", "lmdb"],
    ["src/store/conformance.ts", "vitest"],
    ["src/engine/clock.ts", "node:perf_hooks"],
    ["src/rpc/server.ts", "@sluice/client/contract"],
    ["src/rpc/server.ts", "@grpc/grpc-js"],
    ["src/cli/main.ts", "commander"],
    ["bench/load.ts", "@sluice/client"],
    ["bench/peers/adapters/bullmq.ts", "bullmq"],
    ["bench/foreign/echo-server.ts", "@grpc/grpc-js"],
  ];
  test.each(own)("%s may import %s", (path, specifier) => {
    expect(floorProblems(path, `import { x } from "${specifier}";`)).toEqual([]);
  });
});

test("nothing outside src reaches into it", () => {
  for (const path of [
    "clients/typescript/src/emitter.ts",
    "clients/typescript/examples/first.ts",
    "examples/a/b.ts",
    "bench/load.ts",
  ]) {
    const up = "../".repeat(path.split("/").length - 1);
    expect(floorProblems(path, `import { Engine } from "${up}src/engine/engine.ts";`)).toHaveLength(1);
  }
});

test("every form of import is seen", () => {
  const text = [
    'import a from "a";',
    'import "b";',
    'export * from "c";',
    'export type { D } from "d";',
    'const e = await import("e");',
    'import {\n  f1,\n  f2,\n} from "f";',
    'const g = require("g");',
  ].join("\n");
  expect(importsOf(text).sort()).toEqual(["a", "b", "c", "d", "e", "f", "g"]);
});

test("every folder of src is a floor", () => {
  const folders = sourceFiles(root)
    .filter((path) => path.startsWith("src/"))
    .map((path) => path.split("/")[1]);
  expect(FLOORS.map((floor) => floor.name)).toEqual(expect.arrayContaining([...new Set(folders)]));
});

test("the project keeps to its floors", () => {
  const problems = sourceFiles(root).flatMap((path) => floorProblems(path, readFileSync(join(root, path), "utf8")));
  expect(problems).toEqual([]);
});
