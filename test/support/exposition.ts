/**
 * A strict reader of the text format of Prometheus (version 0.0.4): what it takes, every scraper takes. It also refuses what
 * `promtool check metrics` warns of.
 */

/** One series at one moment. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric with all of its series. */
export interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: Sample[];
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const HELP = new RegExp(`^# HELP (${NAME}) (.+)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]Inf|NaN)$/;

/** Reads an answer to a scrape. Throws with the line that is wrong. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, Family>();
  let help: { readonly name: string; readonly text: string } | undefined;
  let family: Family | undefined;
  for (const line of text.split("\n")) {
    const [, helpName, helpText] = HELP.exec(line) ?? [];
    const [, typeName, type] = TYPE.exec(line) ?? [];
    if (line === "") continue;
    if (helpName !== undefined && helpText !== undefined) {
      help = { name: helpName, text: helpText };
    } else if (typeName !== undefined && (type === "counter" || type === "gauge" || type === "histogram")) {
      if (help?.name !== typeName) throw new Error(`no help before ${line}`);
      if (families.has(typeName)) throw new Error(`a second time ${line}`);
      family = { name: typeName, type, help: help.text, samples: [] };
      families.set(typeName, family);
    } else {
      addSample(family, line);
    }
  }
  for (const each of families.values()) checkFamily(each);
  return families;
}

function addSample(family: Family | undefined, line: string): void {
  const [, name, labelText = "", valueText = ""] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  if (family === undefined || !belongs(name, family)) throw new Error(`a sample of another metric: ${line}`);
  if (!NUMBER.test(valueText)) throw new Error(`no number: ${line}`);
  family.samples.push({ name, labels: labelsOf(labelText, line), value: numberOf(valueText) });
}

function belongs(name: string, { name: metric, type }: Family): boolean {
  if (type !== "histogram") return name === metric;
  return [`${metric}_bucket`, `${metric}_sum`, `${metric}_count`].includes(name);
}

function labelsOf(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== "") {
    const [all = "", name = "", value = ""] = LABEL.exec(rest) ?? [];
    if (all === "" || name.startsWith("__") || name in labels) throw new Error(`bad labels: ${line}`);
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
    rest = rest.slice(all.length);
  }
  return labels;
}

function numberOf(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}

function checkFamily(family: Family): void {
  const { name, type, samples } = family;
  if ((type === "counter") !== name.endsWith("_total")) throw new Error(`${name}: _total is for counters, and for all`);
  if (/_(bucket|sum|count)$/.test(name)) throw new Error(`${name} has the end of a histogram's series`);
  if (/_(ms|milliseconds|minutes|kb|mb|percent)(_|$)/.test(name)) throw new Error(`${name}: seconds, bytes and ratios`);
  const keys = samples.map((sample) => keyOf(sample.name, sample.labels));
  if (new Set(keys).size !== keys.length) throw new Error(`${name} has a series twice`);
  const names = new Set(samples.map(({ labels }) => Object.keys(withoutBound(labels)).sort().join()));
  if (names.size > 1) throw new Error(`${name} has series with different labels`);
  for (const { value } of samples) {
    if (type !== "gauge" && !(value >= 0)) throw new Error(`${name} counts ${value}`);
  }
  if (type === "histogram") checkHistogram(family);
}

function checkHistogram({ name, samples }: Family): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = keyOf("", withoutBound(sample.labels));
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => numberOf(labels["le"] ?? "NaN"));
    const rises = bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? Number.NaN));
    const grows = buckets.every(
      ({ value }, index) => index === 0 || value >= (buckets[index - 1]?.value ?? Number.NaN),
    );
    const count = group.find((sample) => sample.name === `${name}_count`)?.value;
    const hasSum = group.some((sample) => sample.name === `${name}_sum`);
    const isWhole = bounds.at(-1) === Number.POSITIVE_INFINITY && buckets.at(-1)?.value === count && hasSum;
    if (!rises || !grows || !isWhole) throw new Error(`${name} is no histogram`);
  }
}

function withoutBound({ le: _, ...labels }: Sample["labels"]): Record<string, string> {
  return labels;
}

function keyOf(name: string, labels: Sample["labels"]): string {
  return JSON.stringify([name, Object.entries(labels).sort()]);
}
