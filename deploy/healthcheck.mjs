/**
 * Asks a node on this machine for its health: `node deploy/healthcheck.mjs`. Exit code 0 when it serves, 1 when it drains,
 * does not answer, or is not there. The port is SLUICE_PORT or 7070.
 */
import { Client, credentials } from "@grpc/grpc-js";

const DEFAULT_PORT = 7070;
const TIMEOUT_MS = 2000;
/** A `grpc.health.v1.HealthCheckResponse` that says SERVING: field 1, value 1. */
const SERVING = Buffer.from([0x08, 0x01]);

// Kubernetes sets SLUICE_PORT=tcp://... beside a Service of that name; the node takes its default then, and so do we.
const port = Number(process.env["SLUICE_PORT"]) || DEFAULT_PORT;
const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());

client.makeUnaryRequest(
  "/grpc.health.v1.Health/Check",
  // An empty request asks for the whole node.
  () => Buffer.alloc(0),
  (/** @type {Buffer} */ bytes) => bytes,
  {},
  { deadline: Date.now() + TIMEOUT_MS },
  (error, answer) => {
    if (error !== null) console.error(error.message);
    client.close();
    process.exitCode = answer !== undefined && SERVING.equals(answer) ? 0 : 1;
  },
);
