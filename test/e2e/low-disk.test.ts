/**
 * The built program on a small disk: a tmpfs in a mount namespace of its own, which needs no privileges where the system allows
 * such namespaces.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Admin, Analyzer, Emitter } from "@sluice/client";
import { expect, test } from "vitest";
import { DistributorService } from "../../clients/typescript/src/contract.ts";
import { startedPort } from "../../src/cli/demo/cluster.ts";
import { RawClient } from "../support/raw-client.ts";

const MAIN = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
const MIB = 1024 * 1024;
const DISK_BYTES = 192 * MIB;
const MIN_FREE_BYTES = 64 * MIB;
const TIMEOUT_MS = 60_000;
const UNSHARE = ["-U", "-r", "-m"];

/** A node whose data is on a disk of this size; others see the disk through the node's view of the file system. */
class NodeOnSmallDisk implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "sluice-disk-"));
  readonly #child: ChildProcessByStdio<null, Readable, null>;
  readonly #lines: string[] = [];
  #heard = (): void => {};

  constructor() {
    const script = 'mount -t tmpfs -o size="$1" tmpfs "$2" && cd "$2" && shift 2 && exec "$@"';
    const flags = ["serve", "--port", "0", "--log-format", "json", "--min-free-bytes", String(MIN_FREE_BYTES)];
    const args = ["sh", "-c", script, "sh", String(DISK_BYTES), this.#folder, process.execPath, MAIN, ...flags];
    this.#child = spawn("unshare", [...UNSHARE, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      this.#lines.push(line);
      this.#heard();
    });
  }

  /** Resolves with the first line of the log that has this event. The test's own timeout is the deadline. */
  async says(event: string): Promise<string> {
    while (true) {
      const found = this.#lines.find((line) => line.includes(`"event":"${event}"`));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  /** The path of a file on the disk. */
  file(name: string): string {
    return join(`/proc/${this.#child.pid}/root`, this.#folder, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const closed = once(this.#child, "close");
      this.#child.kill("SIGKILL");
      await closed;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

test(
  "a node on a full disk refuses submits, takes results, and goes on by itself when there is space",
  async ({ skip }) => {
    const canMount = spawnSync("unshare", [...UNSHARE, "mount", "-t", "tmpfs", "tmpfs", tmpdir()]).status === 0;
    if (!canMount) skip("this system allows no mount namespaces to ordinary users");
    await using node = new NodeOnSmallDisk();
    const address = `127.0.0.1:${startedPort(await node.says("node.started"))}`;
    let finish = (): void => {};
    const mayFinish = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await using analyzer = new Analyzer({ address, queues: ["q"], handlers: () => mayFinish });
    await analyzer.start();
    await using emitter = new Emitter({ address });
    const before = await emitter.submit({ queue: "q" });

    writeFileSync(node.file("ballast"), Buffer.alloc(DISK_BYTES - MIN_FREE_BYTES));
    await node.says("disk.low");
    using raw = new RawClient(Number(address.split(":")[1]));
    const refusal = await raw.refusal(DistributorService.method.submit, { task: { queue: "q" } });
    expect(refusal).toMatch(/^RESOURCE_EXHAUSTED: the disk of this node has \d+ MiB left/);
    const during = emitter.submit({ queue: "q" });
    finish();
    await before.result();
    await using admin = new Admin({ address });
    expect((await admin.stats()).node).toMatchObject({ diskLow: true });

    rmSync(node.file("ballast"));
    await node.says("disk.recovered");
    await (await during).result();
  },
  TIMEOUT_MS,
);
