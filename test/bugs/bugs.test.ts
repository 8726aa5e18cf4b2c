import { describe, expect, test } from "vitest";
import { BUGS, type Bug } from "./bugs.ts";
import { hunt } from "./hunt.ts";
import { buildWith, inject } from "./test-build.ts";

const ROOT = process.cwd();
/** Ten times what the shyest of them needs. `npm run bugs` shows how many it takes. */
const MAX_SEEDS = 300;
const TIMEOUT_MS = 120_000;

describe("the simulation", () => {
  test.each(BUGS.map((bug) => [bug.name, bug] as const))(
    "catches: %s",
    async (_name, bug) => {
      const { rule } = await hunt(bug, ROOT, MAX_SEEDS);
      expect(rule).toBeDefined();
    },
    TIMEOUT_MS,
  );

  test(
    "catches nothing in a test build without a bug",
    async () => {
      const { simulate } = await buildWith(undefined, ROOT);
      for (let seed = 1; seed <= 30; seed++) expect((await simulate(seed)).seed).toBe(seed);
    },
    TIMEOUT_MS,
  );
});

describe("a bug's snippet", () => {
  const bug: Bug = { name: "x", effect: "", file: "src/x.ts", find: "a = 1", replace: "a = 2" };

  test("is replaced where it is", () => {
    expect(inject("let a = 1;", bug)).toBe("let a = 2;");
  });

  test.each(["let b = 1;", "a = 1; a = 1;"])("must be in its file exactly once: %s", (code) => {
    expect(() => inject(code, bug)).toThrow("bring test/bugs/bugs.ts up to date");
  });

  test("must be in a file that the simulation uses", async () => {
    await expect(buildWith({ ...bug, file: "src/cli/main.ts" }, ROOT)).rejects.toThrow("not part of the simulation");
  });
});
