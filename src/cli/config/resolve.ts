/**
 * Puts the configuration together from its layers and remembers where each value came from.
 *
 *  R1  Flags win over the environment, the environment over the file, the file over the defaults; per key.
 *  R2  An unknown name in the file, or one in the environment that looks like a mistyped key, is refused with the nearest
 *      known name.
 *  R3  All problems are reported at once, each with the place of its value.
 */
import type { z } from "zod";
import { UsageError } from "../exit.ts";
import { didYouMean, nearestName } from "../nearest.ts";
import type { ConfigFile } from "./file.ts";
import type { ConfigFlags } from "./reference.ts";
import { type Config, type ConfigKey, configKeys, configSchema, type KeyEntry, VARIABLE_PREFIX } from "./schema.ts";

/** Where a value came from. */
export type Origin =
  | { readonly kind: "flag"; readonly name: string }
  | { readonly kind: "environment"; readonly name: string }
  | { readonly kind: "file"; readonly name: string }
  | { readonly kind: "default" };

/** The layers above the defaults. */
export interface ConfigLayers {
  readonly flags: ConfigFlags;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file: ConfigFile | undefined;
}

/** The configuration that holds. */
export interface EffectiveConfig {
  readonly config: Config;
  readonly origins: ReadonlyMap<ConfigKey, Origin>;
}

/** Variables with the same prefix that are not keys: read by commands, or set for programs that `sluice work` runs. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(
  ["CONFIG", "ADDRESS", "TASK_ID", "QUEUE", "TYPE", "ATTEMPT", "CONTENT_TYPE", "ATTRIBUTES"].map(
    (name) => VARIABLE_PREFIX + name,
  ),
);

/** Kubernetes sets SLUICE_PORT=tcp://... in every container beside a Service named sluice; that is not our key. */
const KUBERNETES_LINK = /^(tcp|udp|sctp):\/\//;

/** Puts the layers together. Throws UsageError with every problem found. */
export function resolveConfig(layers: ConfigLayers): EffectiveConfig {
  const problems = [...unknownVariables(layers.env), ...unknownFileKeys(layers.file)];
  const origins = new Map<ConfigKey, Origin>();
  const values: Record<string, unknown> = {};

  for (const key of configKeys) {
    const { origin, value } = pick(key, layers);
    origins.set(key.name, origin);
    const checked = configSchema.shape[key.name].safeParse(value);
    if (checked.success) values[key.name] = checked.data;
    else problems.push(describeProblem(key, origin, value, checked.error));
  }

  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return { config: configSchema.parse(values), origins };
}

function pick(key: KeyEntry, layers: ConfigLayers): { origin: Origin; value: unknown } {
  const flag = layers.flags[key.name];
  if (flag !== undefined) return { origin: { kind: "flag", name: key.flag }, value: flag };
  const variable = layers.env[key.variable];
  // An empty variable is how shells and compose files leave one unset.
  if (variable !== undefined && variable !== "" && !KUBERNETES_LINK.test(variable)) {
    return { origin: { kind: "environment", name: key.variable }, value: variable };
  }
  const inFile = layers.file?.values[key.name];
  if (layers.file !== undefined && inFile !== undefined && inFile !== null) {
    return { origin: { kind: "file", name: layers.file.path }, value: inFile };
  }
  return { origin: { kind: "default" }, value: undefined };
}

/** Names that are close to no key are left alone: others may use the prefix, as Kubernetes does. */
function unknownVariables(env: ConfigLayers["env"]): string[] {
  const known = new Set(configKeys.map((key) => key.variable));
  return Object.keys(env)
    .filter((name) => name.startsWith(VARIABLE_PREFIX) && !known.has(name) && !OTHER_VARIABLES.has(name))
    .flatMap((name) => {
      const suffix = name.slice(VARIABLE_PREFIX.length);
      const nearest = nearestName(
        suffix,
        [...known].map((variable) => variable.slice(VARIABLE_PREFIX.length)),
      );
      if (nearest === undefined) return [];
      return [`${name}: unknown environment variable; did you mean '${VARIABLE_PREFIX}${nearest}'?`];
    });
}

function unknownFileKeys(file: ConfigFile | undefined): string[] {
  if (file === undefined) return [];
  const known: ReadonlySet<string> = new Set(configKeys.map((key) => key.name));
  return Object.keys(file.values)
    .filter((name) => !known.has(name))
    .map((name) => `${name} in ${file.path}: unknown key${didYouMean(name, known) || "; 'sluice config' lists them"}`);
}

function describeProblem(key: KeyEntry, origin: Origin, value: unknown, error: z.ZodError): string {
  const shown = typeof value === "string" ? `'${value}'` : JSON.stringify(value);
  const unit = key.unit === undefined ? "" : ` ${key.unit}`;
  const reason = error.issues[0]?.message ?? "invalid";
  return `${describeOrigin(origin, key)} is ${shown}, expected${unit} ${key.values} (${reason})`;
}

/** Where the user has to look. */
export function describeOrigin(origin: Origin, key: KeyEntry): string {
  switch (origin.kind) {
    case "flag":
    case "environment":
      return origin.name;
    case "file":
      return `${key.name} in ${origin.name}`;
    case "default":
      return key.name;
  }
}
