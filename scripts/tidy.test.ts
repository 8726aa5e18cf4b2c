/** The tidy check catches what it is there to catch, and nothing else. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sourceFiles } from "./source-files.mjs";
import { tidyProblems } from "./tidy.mjs";

const root = join(import.meta.dirname, "..");
const header = "/** Responsible for an example. */\n";

/** Joins parts of a text that may not stand whole in this repository. */
const joined = (...parts: string[]): string => parts.join("");

describe("T1: names say what a thing does", () => {
  test.each(["src/engine/utils.ts", "src/common/heap.ts", "bench/helpers.test.ts"])("%s is refused", (path) => {
    expect(tidyProblems(path, header)).toHaveLength(1);
  });
  test.each(["src/engine/lease-table.ts", "bench/load.ts"])("%s is allowed", (path) => {
    expect(tidyProblems(path, header)).toEqual([]);
  });
});

describe("T2 and T3: what no text may contain", () => {
  test.each([
    joined("// TO", "DO: later"),
    joined("// FIX", "ME"),
    joined("// XX", "X"),
    joined('const dir = "/ho', 'me/ann/data";'),
    joined("see /wo", "rk/main/notes"),
    joined("https://registry.", "npmjs.org/x"),
  ])("%s is refused with its line", (line) => {
    expect(tidyProblems("src/engine/lease-table.ts", `${header}${line}\n`)).toEqual([
      expect.stringMatching(/^src\/engine\/lease-table\.ts:2: /),
    ]);
  });
  test.each(["mktemp XXXXXX", "src/cli/work/run.ts", "./work/x", "(dir)/home/x", "/var/lib/sluice"])(
    "%s is allowed",
    (line) => {
      expect(tidyProblems("docs/operations.md", line)).toEqual([]);
    },
  );
});

describe("T4: the lock file", () => {
  const locked = (packages: object): string => JSON.stringify({ packages });
  test("may not name download addresses", () => {
    const a = "node_modules/a";
    expect(tidyProblems("package-lock.json", locked({ [a]: { resolved: "https://example.org/a.tgz" } }))).toHaveLength(
      1,
    );
    expect(tidyProblems("package-lock.json", locked({ [a]: { resolved: "clients/typescript" } }))).toEqual([]);
    expect(tidyProblems("package-lock.json", locked({ [a]: { version: "1.0.0" } }))).toEqual([]);
  });
  test("must lock the packages of every platform", () => {
    const a = { optionalDependencies: { "a-linux": "1.0.0", "a-darwin": "1.0.0" } };
    const linux = { "node_modules/a": a, "node_modules/a-linux": {} };
    expect(tidyProblems("package-lock.json", locked(linux))).toEqual([expect.stringContaining("a-darwin")]);
    expect(tidyProblems("package-lock.json", locked({ ...linux, "node_modules/a/node_modules/a-darwin": {} }))).toEqual(
      [],
    );
  });
});

test("T5: a source file begins by saying what it is responsible for", () => {
  expect(tidyProblems("src/engine/lease-table.ts", "export const a = 1;\n")).toHaveLength(1);
  expect(tidyProblems("src/cli/main.ts", "#!/usr/bin/env node\n/** Starts the program. */\n")).toEqual([]);
  expect(tidyProblems("src/engine/lease-table.test.ts", "import x;\n")).toEqual([]);
  expect(tidyProblems("clients/typescript/src/gen/sluice/v1/task_pb.ts", "import x;\n")).toEqual([]);
});

test("the project is tidy", () => {
  const problems = sourceFiles(root).flatMap((path) => tidyProblems(path, readFileSync(join(root, path), "utf8")));
  expect(problems).toEqual([]);
});
