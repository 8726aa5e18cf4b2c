/** Finding programs and reading what they say. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { ordinaryUser } from "./postgres.ts";
import { findProgram, isAtLeast, parseVersion } from "./programs.ts";
import { NotInstalledError } from "./server.ts";

afterEach(() => vi.unstubAllEnvs());

test("a program that is not there is explained with how to get it", () => {
  expect(() => findProgram("no-such-server", "apt install no-such-server")).toThrow(
    new NotInstalledError("not installed: apt install no-such-server"),
  );
});

test("a program that is named in the environment is taken before the one on PATH", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-programs-"));
  const path = join(folder, "other");
  writeFileSync(path, "#!/bin/sh\n");
  chmodSync(path, 0o755);
  vi.stubEnv("SLUICE_BENCH_NATS_SERVER", path);
  expect(findProgram("nats-server", "")).toBe(path);
  rmSync(folder, { recursive: true });
  expect(() => findProgram("nats-server", "")).toThrow(/SLUICE_BENCH_NATS_SERVER names .* cannot be run/);
});

test.each([
  ["nats-server: v2.15.1", "2.15.1"],
  ["Redis server v=7.0.15 sha=00000000:0", "7.0.15"],
  ["postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18"],
  ["beanstalkd 1.12", "1.12"],
  ["what?", "unknown"],
])("the version in '%s' is %s", (text, version) => {
  expect(parseVersion(text)).toBe(version);
});

test("versions are compared as numbers", () => {
  expect(isAtLeast("2.9.10", 2, 10)).toBe(false);
  expect(isAtLeast("2.10.0", 2, 10)).toBe(true);
  expect(isAtLeast("3.0", 2, 10)).toBe(true);
  expect(isAtLeast("unknown", 2, 10)).toBe(false);
});

test("PostgreSQL runs as postgres if there is such a user, else as nobody", () => {
  const nobody = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n";
  expect(ordinaryUser(`${nobody}postgres:x:105:110::/:/bin/sh\n`)).toEqual({ uid: 105, gid: 110 });
  expect(ordinaryUser(nobody)).toEqual({ uid: 65534, gid: 65533 });
});
