/**
 * Quantities as people write them: `30s`, `500ms`, `16MiB`. A plain number is milliseconds or bytes.
 */

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  b: 1,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** Milliseconds of a duration such as `1500`, `500ms`, `30s`, `5m`, `2h`, `1d`; undefined when it is none. */
export function parseDurationMs(text: string): number | undefined {
  return parseQuantity(text, MS_PER_UNIT);
}

/** Bytes of a size such as `4096`, `64KiB`, `16MiB`, `1GiB`; undefined when it is none. */
export function parseBytes(text: string): number | undefined {
  return parseQuantity(text, BYTES_PER_UNIT);
}

/** A number as written; undefined when the text is not one. */
export function parseNumber(text: string): number | undefined {
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text.trim())) return undefined;
  return Number(text);
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, digits = "", unit = ""] = match;
  const factor = unit === "" ? 1 : units[unit.toLowerCase()];
  return factor === undefined ? undefined : Math.round(Number(digits) * factor);
}
