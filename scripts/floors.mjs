/**
 * The floors of the architecture as data, and the rule that imports only point down.
 *
 * Responsible for: which file may import what. Clocks, timers and randomness are the business of the linter, which knows
 * scopes: see `noRestrictedGlobals` in biome.json.
 *
 *  F1  A file under src imports relative files of its own floor or of a lower one only.
 *  F2  A floor imports the packages and Node modules listed for it only, core none; exceptions are named file by file.
 *  F3  The SDK, the examples and the bench import nothing from src; but bench/core, which measures the pure core, imports that.
 *  F4  Tests may use the test tools, any Node module and the folder test besides; F1 and F3 hold for them too.
 *  F5  Nothing but tests imports what is there for tests: it is not part of a build.
 */
import { posix } from "node:path";

/**
 * @typedef {object} Floor
 * @property {string} name Folder under src.
 * @property {RegExp[]} imports What it may import besides relative files.
 */

const NODE_WITHOUT_CLOCK = /^node:(?!perf_hooks$|timers|process$)/;

/** @type {readonly Floor[]} Lowest first. */
export const FLOORS = [
  { name: "core", imports: [] },
  { name: "store", imports: [/^lmdb$/, /^postgres$/, NODE_WITHOUT_CLOCK] },
  { name: "engine", imports: [NODE_WITHOUT_CLOCK] },
  {
    name: "rpc",
    imports: [
      /^@bufbuild\/protobuf(\/|$)/,
      /^@grpc\//,
      /^grpc-health-check$/,
      /^@sluice\/client\/contract$/,
      /^uuid$/,
      /^node:/,
    ],
  },
  {
    name: "http",
    imports: [
      /^@bufbuild\/protobuf(\/|$)/,
      /^@connectrpc\/connect(-node)?(\/|$)/,
      /^@sluice\/client\/contract$/,
      /^prom-client$/,
      /^zod$/,
      /^node:/,
    ],
  },
  { name: "cli", imports: [/./] },
];

/** Files that touch what their floor may not, each for the one thing that it is there for. */
const EXCEPTIONS = [
  // The machine's clock and timers, as a value for everybody else.
  { path: "src/engine/clock.ts", imports: /^node:(perf_hooks|timers)$/ },
  // The end of a turn: what was written in it shares a commit. Decides nothing, and no simulation runs on this store.
  { path: "src/store/lmdb/group-commit.ts", imports: /^node:timers$/ },
  // OpenTelemetry, for those who ask for it: nothing else of the SDK loads it.
  { path: "clients/typescript/src/opentelemetry.ts", imports: /^@opentelemetry\/api$/ },
  // Which process owns the data directory.
  { path: "src/store/lmdb/directory-lock.ts", imports: /^node:process$/ },
];
/** Files for tests: by their names, the suite that every store's test runs, and what tests share. */
const TEST_FILE = /\.test\.ts$|\/(conformance|testing)(\.|\/|-)/;
const TEST_IMPORTS = [/^vitest$/, /^fast-check$/, /^node:/];

/**
 * Trees outside src that use the node only through its contract, with what they may import besides relative files. The first
 * that fits counts. Relative imports stay within the folder, or within those named.
 *
 * @type {readonly {readonly folder: string, readonly imports: readonly RegExp[], readonly within?: readonly string[]}[]}
 */
const OUTSIDERS = [
  {
    folder: "examples/handlers/",
    imports: [/^@sluice\/client(\/contract)?$/, /^@bufbuild\/protobuf$/, /^zod$/, /^node:/],
  },
  {
    folder: "clients/typescript/src/",
    imports: [/^@bufbuild\/protobuf(\/|$)/, /^@grpc\/grpc-js$/, /^uuid$/, /^node:/],
  },
  { folder: "clients/typescript/examples/", imports: [/^@sluice\/client(\/contract)?$/, /^node:/] },
  { folder: "examples/", imports: [/^@sluice\/client(\/contract)?$/, /^zod$/, /^node:/] },
  {
    folder: "bench/peers/",
    imports: [
      /^@sluice\/client$/,
      /^node:/,
      /^(bullmq|amqplib|pg|pg-boss|graphile-worker)$/,
      /^@nats-io\/(transport-node|jetstream)$/,
    ],
    within: ["bench/"],
  },
  // A bare server to compare with.
  {
    folder: "bench/foreign/",
    imports: [/^@grpc\/grpc-js$/, /^@bufbuild\/protobuf$/, /^@sluice\/client(\/contract)?$/, /^node:/],
    within: ["bench/"],
  },
  // Clients without the SDK.
  {
    folder: "bench/scale/",
    imports: [/^@bufbuild\/protobuf$/, /^@sluice\/client(\/contract)?$/, /^node:/],
    within: ["bench/"],
  },
  // The pure core, alone.
  { folder: "bench/core/", imports: [/^node:/], within: ["bench/", "src/core/"] },
  { folder: "bench/", imports: [/^@sluice\/client(\/contract)?$/, /^hdr-histogram-js$/, /^node:/] },
];

const IMPORTS = [
  /^[ \t]*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']/gm,
  /^[ \t]*import\s*["']([^"']+)["']/gm,
  /\bimport\(\s*["'`]([^"'`]+)["'`]/g,
  /\brequire\(\s*["'`]([^"'`]+)["'`]/g,
];

/**
 * @param {string} text Source text.
 * @returns {string[]} The specifiers it imports or re-exports from.
 */
export function importsOf(text) {
  return IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ""));
}

/**
 * @param {string} path Path from the root of the project, with slashes.
 * @param {string} text Source text.
 * @returns {string[]} What is wrong with its imports; empty when nothing is.
 */
export function floorProblems(path, text) {
  if (!/\.(ts|mts|mjs|js)$/.test(path)) return [];
  const check = path.startsWith("src/") ? floorChecker(path) : outsiderChecker(path);
  return importsOf(text)
    .map(check)
    .filter((problem) => problem !== undefined)
    .map((problem) => `${path}: ${problem}`);
}

/**
 * @param {string} path A file under src.
 * @returns {(specifier: string) => string | undefined} Says what is wrong with one import.
 */
function floorChecker(path) {
  const name = path.split("/")[1] ?? "";
  const height = FLOORS.findIndex((floor) => floor.name === name);
  const floor = FLOORS[height];
  if (floor === undefined)
    return () => `is on no floor; put it under one of ${FLOORS.map((each) => each.name).join(", ")}`;
  const allowed = [...floor.imports, ...(TEST_FILE.test(path) ? TEST_IMPORTS : [])];
  allowed.push(...EXCEPTIONS.filter((exception) => exception.path === path).map((exception) => exception.imports));

  return (specifier) => {
    if (!specifier.startsWith(".")) {
      return mayImport(allowed, specifier) ? undefined : `${floor.name} may not import "${specifier}"`;
    }
    const target = resolveImport(path, specifier);
    if (TEST_FILE.test(path) && target.startsWith("test/")) return undefined;
    if (!target.startsWith("src/")) return `imports "${specifier}", which is outside src`;
    const targetName = target.split("/")[1] ?? "";
    const targetHeight = FLOORS.findIndex((each) => each.name === targetName);
    if (TEST_FILE.test(target) && !TEST_FILE.test(path)) return `imports "${specifier}", which is there for tests only`;
    if (targetHeight >= 0 && targetHeight <= height) return undefined;
    return `imports "${specifier}": ${floor.name} may not look up to ${targetName}; let it get what it needs as a value`;
  };
}

/**
 * @param {string} path A file outside src.
 * @returns {(specifier: string) => string | undefined} Says what is wrong with one import.
 */
function outsiderChecker(path) {
  const outsider = OUTSIDERS.find((each) => path.startsWith(each.folder));
  if (outsider === undefined) return () => undefined;
  const allowed = [
    ...outsider.imports,
    ...(TEST_FILE.test(path) ? [...TEST_IMPORTS, /^@grpc\//, /^@bufbuild\/protobuf$/, /^@opentelemetry\//] : []),
    ...EXCEPTIONS.filter((exception) => exception.path === path).map((exception) => exception.imports),
  ];

  return (specifier) => {
    if (!specifier.startsWith(".")) {
      return mayImport(allowed, specifier) ? undefined : `${outsider.folder} may not import "${specifier}"`;
    }
    const target = resolveImport(path, specifier);
    if ((outsider.within ?? [outsider.folder]).some((folder) => target.startsWith(folder))) return undefined;
    return `imports "${specifier}", which is outside ${outsider.folder}: use the contract or the SDK`;
  };
}

/**
 * @param {RegExp[]} allowed What may be imported.
 * @param {string} specifier Package or Node module.
 */
function mayImport(allowed, specifier) {
  return allowed.some((pattern) => pattern.test(specifier));
}

/**
 * @param {string} path The importing file.
 * @param {string} specifier A relative import.
 * @returns {string} Path of what it names, from the root of the project.
 */
function resolveImport(path, specifier) {
  return posix.normalize(posix.join(posix.dirname(path), specifier));
}
