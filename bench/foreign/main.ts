/**
 * Submits from a foreign client, one task per unary call, without the SDK: h2load against a node and against a bare grpc-js
 * server, in turns: `npm run bench:foreign -- --help`.
 */
import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { Admin } from "@sluice/client";
import { SubmitRequestSchema } from "@sluice/client/contract";
import { cpuMsOf } from "../cpu.ts";
import { type BenchCommand, benchCommand, COMMON_USAGE } from "../history/command.ts";
import { assertRealDisk, recordOf, Samples, type Subject } from "../history/record.ts";
import { startNodeProcess } from "../node-process.ts";
import { findProgram, versionOf } from "../peers/servers/programs.ts";
import { framed } from "../scale/grpc-frames.ts";
import { TemporaryFolder } from "../temporary-folder.ts";
import { parseH2load } from "./h2load.ts";

const PROGRAM = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const ECHO = fileURLToPath(new URL("./echo-server.js", import.meta.url));
const QUEUE = "foreign";
const PATH = "/sluice.v1.DistributorService/Submit";
const PAYLOAD_BYTES = 256;
const CALLS = 50_000;
const QUICK_CALLS = 2_000;
const CONNECTIONS = 8;
const IN_FLIGHT_EACH = 8;
const REPETITIONS = 5;

/** A server to load. */
interface Target {
  readonly subject: string;
  readonly address: string;
  cpuMs(): number | undefined;
  /** Tasks it has accepted; undefined for one that accepts none. */
  accepted(): Promise<number | undefined>;
}

const command: BenchCommand = {
  kind: "foreign",
  usage: `Usage: npm run bench:foreign -- [options]   (needs h2load: apt install nghttp2-client)\n\n${COMMON_USAGE}`,
  run: async ({ quick, repetitions = quick ? 2 : REPETITIONS }, log) => {
    if (!quick) assertRealDisk();
    const h2load = findProgram("h2load", "apt install nghttp2-client");
    const date = new Date().toISOString();
    const samples = new Samples();
    const calls = quick ? QUICK_CALLS : CALLS;
    using folder = new TemporaryFolder("sluice-foreign-");
    const bodyFile = join(folder.path, "body");
    // Without an id: the node gives each task one, so that none is a duplicate.
    const task = { queue: QUEUE, type: "bench", payload: new Uint8Array(PAYLOAD_BYTES) };
    writeFileSync(bodyFile, framed(toBinary(SubmitRequestSchema, create(SubmitRequestSchema, { task }))));
    const echo = await startEcho();
    const node = await startNodeProcess(PROGRAM, "lmdb");
    const admin = new Admin({ address: node.address });
    const submitted = async (): Promise<number> => (await admin.stats(QUEUE)).queues[0]?.totals?.submitted ?? 0;
    const targets: Target[] = [
      { subject: "sluice", address: node.address, cpuMs: () => node.cpuMs(), accepted: submitted },
      { subject: "echo", address: echo.address, cpuMs: () => echo.cpuMs(), accepted: async () => undefined },
    ];
    try {
      for (let repetition = 0; repetition <= repetitions; repetition++) {
        for (const target of targets) {
          log(
            repetition === 0
              ? `warm-up: ${target.subject}`
              : `repetition ${repetition} of ${repetitions}: ${target.subject}`,
          );
          const figures = await load(h2load, target, bodyFile, calls);
          if (repetition === 0) continue;
          const { subject } = target;
          samples.add({ subject, name: "unary Submit", unit: "calls/s", better: "higher" }, figures.callsPerSecond);
          samples.add({ subject, name: "server cpu", unit: "us/call", better: "lower" }, figures.cpuMicros);
        }
      }
    } finally {
      await admin.close();
      await node.stop();
      await echo.stop();
    }
    return recordOf({
      kind: "foreign",
      date,
      settings: { calls, connections: CONNECTIONS, inFlightEach: IN_FLIGHT_EACH, payloadBytes: PAYLOAD_BYTES },
      repetitions,
      subjects: [
        subjectOf("sluice", "Sluice", "lmdb, fsync before every OK", true),
        subjectOf("echo", "bare grpc-js echo", "none, nothing is stored", false),
      ],
      metrics: samples.metrics(),
      absent: [],
      notes: [
        `h2load ${versionOf(h2load, ["--version"])}, ${CONNECTIONS} connections with ${IN_FLIGHT_EACH} calls under way on each. ` +
          "Every call to Sluice was counted by the node as an accepted task.",
      ],
    });
  },
};

/** One run of h2load. Throws unless every call was answered and, by a node, accepted. */
async function load(h2load: string, target: Target, bodyFile: string, calls: number) {
  const acceptedBefore = await target.accepted();
  const cpuBefore = target.cpuMs() ?? Number.NaN;
  const args = ["-n", String(calls), "-c", String(CONNECTIONS), "-m", String(IN_FLIGHT_EACH), "-d", bodyFile];
  args.push("-H", "content-type: application/grpc", "-H", "te: trailers", `http://${target.address}${PATH}`);
  const { stdout } = await promisify(execFile)(h2load, args);
  const { callsPerSecond, succeeded } = parseH2load(stdout);
  if (succeeded !== calls) throw new Error(`${succeeded} of ${calls} calls succeeded:\n${stdout}`);
  const cpuMicros = (((target.cpuMs() ?? Number.NaN) - cpuBefore) * 1000) / calls;
  const accepted = await target.accepted();
  if (accepted !== undefined && accepted - (acceptedBefore ?? 0) !== calls) {
    throw new Error(`${accepted - (acceptedBefore ?? 0)} of ${calls} tasks were accepted`);
  }
  return { callsPerSecond, cpuMicros };
}

async function startEcho() {
  const child = fork(ECHO, [], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const port = await portOf(child);
  return {
    address: `127.0.0.1:${port}`,
    cpuMs: () => (child.pid === undefined ? undefined : cpuMsOf(child.pid)),
    stop: async () => {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("message", (message) => {
      if (typeof message === "object" && "port" in message) resolve(Number(message.port));
    });
    child.once("exit", (code) => reject(new Error(`the echo server ended with status ${code}`)));
  });
}

function subjectOf(id: string, label: string, durability: string, syncsBeforeAnswer: boolean): Subject {
  return { id, label, version: "", durability, syncsBeforeAnswer };
}

process.exitCode = await benchCommand(command, process.argv.slice(2));
