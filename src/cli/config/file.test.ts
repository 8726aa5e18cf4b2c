import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readConfigFile } from "./file.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-config-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function write(name: string, text: string): void {
  writeFileSync(join(directory, name), text);
}

describe("the configuration file", () => {
  it("is none when the default one is not there", () => {
    expect(readConfigFile(undefined, directory)).toBeUndefined();
  });

  it("is ./sluice.yaml when that is there", () => {
    write("sluice.yaml", "port: 8080\nhost: '::1'\n");
    expect(readConfigFile(undefined, directory)).toEqual({ path: "sluice.yaml", values: { port: 8080, host: "::1" } });
  });

  it("may be JSON", () => {
    write("node.json", '{"port": 8080}');
    expect(readConfigFile("node.json", directory)?.values).toEqual({ port: 8080 });
  });

  it("may hold nothing but comments", () => {
    write("sluice.yaml", "# port: 8080\n");
    expect(readConfigFile(undefined, directory)?.values).toEqual({});
  });

  it("must be there when it is named", () => {
    expect(() => readConfigFile("gone.yaml", directory)).toThrow(
      /cannot read the configuration file gone.yaml: ENOENT/,
    );
  });

  it.each(["- port\n- host\n", "just text\n"])("is refused when it is no mapping: %j", (text) => {
    write("sluice.yaml", text);
    expect(() => readConfigFile(undefined, directory)).toThrow(/must be a mapping/);
  });

  it("is refused when it is not YAML", () => {
    write("sluice.yaml", "port: [1\nhost: }");
    expect(() => readConfigFile(undefined, directory)).toThrow(/cannot read the configuration file sluice.yaml/);
  });
});
