/**
 * Settings of a queue from the contract to the domain, checked.
 */
import type { QueueSettings as SettingsMessage } from "@sluice/client/contract";
import type { QueueSettings } from "../../store/port.ts";
import { checkRange, invalid } from "../wire/checks.ts";

const MAX_LAG_TASKS = 1_000_000;

/** Travel as doubles, because they may be larger than a uint32. Named as in the contract's JSON form. */
const SIZES = ["maxWaitingBytes", "retentionMs", "deadRetentionMs"] as const;
/** Travel as uint32, all of whose values are allowed. */
const COUNTS = ["holdMs", "maxWaiting", "retentionCount", "deadRetentionCount"] as const;

/** What is to change; what is unset stays as it is. Throws SluiceError. */
export function settingsChange(message: SettingsMessage | undefined): Partial<QueueSettings> {
  const change: { -readonly [K in keyof QueueSettings]?: QueueSettings[K] } = {};
  if (message === undefined) return change;
  const { paused, maxLag, maxLead } = message;
  if (paused !== undefined) change.paused = paused;
  if (maxLag !== undefined) {
    checkRange(maxLag, 0, MAX_LAG_TASKS, "settings.max_lag");
    change.maxLag = maxLag;
  }
  if (maxLead !== undefined) {
    checkLead(maxLead);
    change.maxLead = maxLead;
  }
  for (const name of SIZES) {
    const value = message[name];
    if (value === undefined) continue;
    checkRange(value, 0, Number.MAX_SAFE_INTEGER, `settings.${name}`);
    change[name] = value;
  }
  for (const name of COUNTS) {
    const value = message[name];
    if (value !== undefined) change[name] = value;
  }
  return change;
}

function checkLead(value: number): void {
  if (value !== 0 && !(value >= 1 && Number.isFinite(value))) {
    throw invalid("settings.max_lead must be 0 (unlimited) or at least 1");
  }
}
