/** Figures as people read them. */

/** A whole number with separators: 1,234,567. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** A part of one as percent with one decimal: 40.0%. */
export function formatPercent(part: number): string {
  return `${(part * 100).toFixed(1)}%`;
}

/** A duration in the units that suit it: 12ms, 3.4s, 5m 10s, 2h 5m, 3d. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)}ms`;
  const seconds = durationMs / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1).replace(/\.0$/, "")}s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return twoUnits(whole, 60, "m", "s");
  const minutes = Math.floor(whole / 60);
  if (minutes < 1440) return twoUnits(minutes, 60, "h", "m");
  return twoUnits(Math.floor(minutes / 60), 24, "d", "h");
}

function twoUnits(amount: number, smallPerLarge: number, large: string, small: string): string {
  const rest = amount % smallPerLarge;
  const whole = `${Math.floor(amount / smallPerLarge)}${large}`;
  return rest === 0 ? whole : `${whole} ${rest}${small}`;
}

/** A size in the unit that suits it: 512 B, 1.5 KiB, 16.0 MiB. */
export function formatBytes(bytes: number): string {
  const units = ["KiB", "MiB", "GiB", "TiB"];
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** One thing or many: `1 task`, `2 tasks`. */
export function formatPlural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A text cut to at most `length` characters, the last three of them dots when something is missing. */
export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`;
}
