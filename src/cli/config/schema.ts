/**
 * The configuration of a node: one schema, which is also the table that `sluice serve --help`, `sluice config` and the
 * reference in the docs are generated from.
 *
 * What belongs to one queue is not here but in the settings of the queue (`sluice queues set`).
 */
import { z } from "zod";
import { DEFAULT_ENGINE_SETTINGS as ENGINE } from "../../engine/settings.ts";
import { DEFAULT_RPC_LIMITS as RPC } from "../../rpc/limits.ts";
import { parseBytes, parseDurationMs, parseNumber } from "../quantity.ts";
import { NONE, OFF, parseListen, parseOrigins } from "./listen.ts";

/** What is documented of a key, next to its schema. */
export interface KeyDoc {
  readonly description: string;
  /** What a plain number counts. */
  readonly unit?: "ms" | "bytes";
  /** Accepted values, for people. */
  readonly values: string;
}

const keyDocs = z.registry<KeyDoc>();

/** Largest duration that a timer of Node.js can wait for. */
const MAX_DURATION_MS = 2_147_483_647;

function text(fallback: string, values: string, description: string) {
  return z.string().min(1).default(fallback).register(keyDocs, { description, values });
}

function checkedText(fallback: string, values: string, description: string, isValid: (value: string) => boolean) {
  return z.string().refine(isValid, "not of this form").default(fallback).register(keyDocs, { description, values });
}

function choice<const Names extends readonly [string, ...string[]]>(
  names: Names,
  fallback: Names[number],
  description: string,
) {
  return z
    .enum(names)
    .prefault(fallback)
    .register(keyDocs, { description, values: names.join(", ") });
}

function whole(range: readonly [min: number, max: number], fallback: number, description: string) {
  const [min, max] = range;
  return z
    .preprocess(textTo(parseNumber), z.int().min(min).max(max))
    .default(fallback)
    .register(keyDocs, { description, values: `${min} to ${max}` });
}

function durationMs(range: readonly [min: number, max: number], fallback: number, description: string) {
  const [min, max] = range;
  return z
    .preprocess(textTo(parseDurationMs), z.int().min(min).max(max))
    .default(fallback)
    .register(keyDocs, { description, unit: "ms", values: `${min} to ${max}, or text such as 30s` });
}

function bytes(range: readonly [min: number, max: number], fallback: number, description: string) {
  const [min, max] = range;
  return z
    .preprocess(textTo(parseBytes), z.int().min(min).max(max))
    .default(fallback)
    .register(keyDocs, { description, unit: "bytes", values: `${min} to ${max}, or text such as 16MiB` });
}

/** Flags and the environment only have text; what is no quantity stays as it is, for the schema to refuse. */
function textTo(parse: (text: string) => number | undefined): (value: unknown) => unknown {
  return (value) => (typeof value === "string" ? (parse(value) ?? value) : value);
}

/** The configuration of a node. Unknown keys are refused. */
export const configSchema = z.strictObject({
  host: text("127.0.0.1", "a name or an address", "Address to listen on; 0.0.0.0 or :: for every interface."),
  port: whole([0, 65_535], 7070, "Port to listen on; 0 lets the system choose one."),
  httpListen: checkedText(
    "127.0.0.1:7080",
    `HOST:PORT, or ${OFF}`,
    "Where HTTP is served: JSON by curl, browsers, health, metrics. Port 0 lets the system choose one; off serves none.",
    (value) => value === OFF || parseListen(value) !== undefined,
  ),
  httpAllowedOrigins: checkedText(
    NONE,
    `origins such as https://ops.example.com, separated by commas, or ${NONE}`,
    "Web origins whose pages may call the HTTP port, and whose names it answers to. Its own pages always may.",
    (value) => parseOrigins(value) !== undefined,
  ),
  store: choice(
    ["lmdb", "memory"],
    "lmdb",
    "Where tasks are kept: lmdb on disk (durable), memory nowhere (lost at the end of the process).",
  ),
  dataDir: text(
    "./sluice-data",
    "a path",
    "Folder of the lmdb store; created if needed, used by one process at a time, not on a network file system.",
  ),
  leaseMs: durationMs(
    [1000, 3_600_000],
    ENGINE.leaseMs,
    "An analyzer that sends nothing for this long is dead: its tasks go to others, an attempt charged.",
  ),
  resumeGraceMs: durationMs(
    [0, 600_000],
    ENGINE.resumeGraceMs,
    "How long the tasks of an analyzer whose stream broke wait for it to return.",
  ),
  drainMs: durationMs(
    [0, MAX_DURATION_MS],
    ENGINE.drainMs,
    "How long a node that was told to stop waits for results; what still runs then is released, no attempt charged.",
  ),
  maxInFlight: whole(
    [1, 100_000],
    ENGINE.maxInFlight,
    "Most leases and unused credit of one analyzer; a higher wish is cut.",
  ),
  maxSessions: whole([1, 1_000_000], ENGINE.maxSessions, "Most analyzers at a time; more are RESOURCE_EXHAUSTED."),
  minFreeBytes: bytes(
    [0, 1_099_511_627_776],
    ENGINE.minFreeBytes,
    "With less space left on the disk of the data, submits are RESOURCE_EXHAUSTED and all else goes on; 0 = never.",
  ),
  maxConnections: whole(
    [1, 1_000_000],
    RPC.maxConnections,
    "Most network connections at a time; more take the place of those without a call, or are closed.",
  ),
  maxStreamsPerConnection: whole(
    [1, 1_000_000],
    RPC.maxStreamsPerConnection,
    "Most calls at a time on one connection; clients hold further ones back.",
  ),
  maxMessageBytes: bytes(
    [65_536, 268_435_456],
    RPC.maxMessageBytes,
    "Largest message that a caller may send; larger is RESOURCE_EXHAUSTED.",
  ),
  maxPayloadBytes: bytes(
    [1, 134_217_728],
    RPC.maxPayloadBytes,
    "Largest payload of a task and output of a result; larger is INVALID_ARGUMENT.",
  ),
  logLevel: choice(
    ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    "info",
    "Least severity that is logged. Nothing above debug is logged per task.",
  ),
  logFormat: choice(["auto", "json", "pretty"], "auto", "Form of the log; auto is pretty on a terminal, else json."),
});

/** The configuration of a node, complete. */
export type Config = z.infer<typeof configSchema>;

/** Name of a key. */
export type ConfigKey = keyof Config;

/** One row of the table of keys. */
export interface KeyEntry extends KeyDoc {
  /** As in the file: camelCase. */
  readonly name: ConfigKey;
  /** As on the command line: `--kebab-case`. */
  readonly flag: string;
  /** As in the environment: `SLUICE_SNAKE_CASE`. */
  readonly variable: string;
  readonly fallback: string | number;
}

/** Environment variables of the program begin with this. */
export const VARIABLE_PREFIX = "SLUICE_";

/** Every key in the order of the schema. */
export const configKeys: readonly KeyEntry[] = configSchema.keyof().options.map((name) => {
  const schema = configSchema.shape[name];
  const doc = keyDocs.get(schema);
  if (doc === undefined) throw new Error(`configuration key ${name} is not documented`);
  const words = name.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
  return {
    ...doc,
    name,
    flag: `--${words.join("-")}`,
    variable: `${VARIABLE_PREFIX}${words.join("_").toUpperCase()}`,
    fallback: schema.parse(undefined),
  };
});
