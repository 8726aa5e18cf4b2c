/** What can be known of the container image without building it. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const instructions = readFileSync(join(root, "Dockerfile"), "utf8")
  .split("\n")
  .filter((line) => /^[A-Z]/.test(line));
const copied = instructions
  .filter((line) => line.startsWith("COPY ") && !line.includes("--from="))
  .flatMap((line) => line.split(/\s+/).slice(1, -1));
const admitted = readFileSync(join(root, ".dockerignore"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("!"))
  .map((line) => line.slice(1));

describe("the image", () => {
  test.each(copied)("is made of %s, which exists and goes to the builder", (path) => {
    expect(existsSync(join(root, path))).toBe(true);
    expect(admitted).toContain(path.split("/")[0]);
  });

  test("does not run as root", () => {
    const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith("FROM ")));
    expect(lastStage.filter((line) => line.startsWith("USER "))).toEqual(["USER node"]);
    expect(lastStage.findIndex((line) => line.startsWith("USER "))).toBeLessThan(
      lastStage.findIndex((line) => line.startsWith("ENTRYPOINT ")),
    );
  });

  test("takes its packages from the lock file alone, running none of their scripts", () => {
    const installs = instructions.filter((line) => line.includes("npm ") && !line.includes("npm run"));
    expect(installs.length).toBeGreaterThan(0);
    for (const line of installs) expect(line).toMatch(/^RUN npm ci .*--ignore-scripts/);
  });

  test("starts what the package calls its program", () => {
    const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const last = instructions.findLast((line) => line.startsWith("ENTRYPOINT"));
    expect(last).toMatch(/^ENTRYPOINT \["node", /);
    expect(last).toContain(`, "${bin.sluice}"]`);
  });
});

describe("the health check", () => {
  const health = new HealthImplementation({ "": "SERVING" });
  const server = new Server();
  let port = 0;

  beforeAll(async () => {
    health.addToServer(server);
    port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
  });
  afterAll(() => server.forceShutdown());

  function exitCode(): Promise<number | null> {
    const env = { ...process.env, SLUICE_PORT: String(port) };
    const child = spawn(process.execPath, [join(root, "deploy", "healthcheck.mjs")], { env, stdio: "ignore" });
    return new Promise((resolve) => child.once("close", resolve));
  }

  test("succeeds while the node serves and fails while it drains", async () => {
    expect(await exitCode()).toBe(0);
    health.setStatus("", "NOT_SERVING");
    expect(await exitCode()).toBe(1);
  });

  test("fails when nobody is there", async () => {
    server.forceShutdown();
    expect(await exitCode()).toBe(1);
  });
});
