import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../exit.ts";
import { type ConfigLayers, resolveConfig } from "./resolve.ts";
import { configKeys } from "./schema.ts";

const NO_LAYERS: ConfigLayers = { flags: {}, env: {}, file: undefined };

function problemsOf(layers: Partial<ConfigLayers>): string {
  try {
    resolveConfig({ ...NO_LAYERS, ...layers });
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

describe("the configuration", () => {
  it("has a default for every key", () => {
    const { config, origins } = resolveConfig(NO_LAYERS);
    expect(config).toMatchObject({ host: "127.0.0.1", port: 7070, store: "lmdb", leaseMs: 30_000, logLevel: "info" });
    for (const { name, fallback } of configKeys) {
      expect(config[name]).toBe(fallback);
      expect(origins.get(name)).toEqual({ kind: "default" });
    }
  });

  it("R1: each layer wins over those below, key by key", () => {
    fc.assert(
      fc.property(fc.subarray(["flag", "environment", "file"] as const), (present) => {
        const port = { flag: 1001, environment: 1002, file: 1003, default: 7070 };
        const { config, origins } = resolveConfig({
          flags: present.includes("flag") ? { port: "1001" } : {},
          env: present.includes("environment") ? { SLUICE_PORT: "1002" } : {},
          file: {
            path: "sluice.yaml",
            values: present.includes("file") ? { port: 1003, host: "::1" } : { host: "::1" },
          },
        });
        const winner = present[0] ?? "default";
        expect(config.port).toBe(port[winner]);
        expect(origins.get("port")?.kind).toBe(winner);
        expect(config.host).toBe("::1");
      }),
    );
  });

  it("remembers the place of each value", () => {
    const { origins } = resolveConfig({
      flags: { leaseMs: "10s" },
      env: { SLUICE_DATA_DIR: "/var/lib/sluice" },
      file: { path: "a.yaml", values: { maxPayloadBytes: "2MiB" } },
    });
    expect(origins.get("leaseMs")).toEqual({ kind: "flag", name: "--lease-ms" });
    expect(origins.get("dataDir")).toEqual({ kind: "environment", name: "SLUICE_DATA_DIR" });
    expect(origins.get("maxPayloadBytes")).toEqual({ kind: "file", name: "a.yaml" });
  });

  it("takes quantities as text from every layer", () => {
    const { config } = resolveConfig({
      flags: { leaseMs: "10s" },
      env: { SLUICE_DRAIN_MS: "1m" },
      file: { path: "a.yaml", values: { maxPayloadBytes: "2MiB", port: "80" } },
    });
    expect(config).toMatchObject({ leaseMs: 10_000, drainMs: 60_000, maxPayloadBytes: 2_097_152, port: 80 });
  });

  it("takes an empty variable for an unset one", () => {
    expect(resolveConfig({ ...NO_LAYERS, env: { SLUICE_PORT: "" } }).config.port).toBe(7070);
  });

  it("ignores the address that Kubernetes puts into SLUICE_PORT for a Service of that name", () => {
    expect(resolveConfig({ ...NO_LAYERS, env: { SLUICE_PORT: "tcp://10.0.0.7:7070" } }).config.port).toBe(7070);
  });

  it("R2: refuses an unknown key of the file and names the nearest", () => {
    const problems = problemsOf({ file: { path: "a.yaml", values: { prot: 1, colour: "red" } } });
    expect(problems).toContain("prot in a.yaml: unknown key; did you mean 'port'?");
    expect(problems).toContain("colour in a.yaml: unknown key; 'sluice config' lists them");
  });

  it("R2: refuses a mistyped variable, but not what others put beside ours", () => {
    expect(problemsOf({ env: { SLUICE_PROT: "1" } })).toBe(
      "SLUICE_PROT: unknown environment variable; did you mean 'SLUICE_PORT'?",
    );
    const others = { SLUICE_SERVICE_HOST: "10.0.0.7", SLUICE_PORT_7070_TCP_ADDR: "10.0.0.7", SLUICE_ADDRESS: "a:1" };
    expect(() => resolveConfig({ ...NO_LAYERS, env: others })).not.toThrow();
  });

  it("R3: reports all problems at once, each with its place", () => {
    const problems = problemsOf({
      flags: { port: "many" },
      env: { SLUICE_STORE: "redis" },
      file: { path: "a.yaml", values: { leaseMs: 5 } },
    }).split("\n");
    expect(problems).toHaveLength(3);
    expect(problems[0]).toContain("--port is 'many', expected 0 to 65535");
    expect(problems[1]).toContain("SLUICE_STORE is 'redis', expected lmdb, memory");
    expect(problems[2]).toContain("leaseMs in a.yaml is 5, expected ms 1000 to 3600000");
  });
});
