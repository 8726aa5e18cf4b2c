/**
 * What the engine keeps in memory of one queue: its share tree, its settings, its figures since the start.
 */
import { DemandMeter, RunTime } from "../core/demand-meter.ts";
import { DecayingCount } from "../core/rate.ts";
import { Share, type ShareMember, type SharePolicy } from "../core/share.ts";
import type { QueueSettings } from "../store/port.ts";
import type { Subscription } from "./analyzer.ts";
import type { QueueTotals } from "./api.ts";
import { MAX_FRAME_BYTES, OBSERVED_HALF_LIFE_MS } from "./settings.ts";

/** The dispatch rule's bounds out of a queue's settings, where 0 stands for an unlimited lead. */
function sharePolicy(settings: QueueSettings): SharePolicy {
  return {
    maxLag: settings.maxLag,
    maxLead: settings.maxLead === 0 ? Number.POSITIVE_INFINITY : settings.maxLead,
    holdMs: settings.holdMs,
  };
}

/** One queue. */
export class QueueState {
  readonly name: string;
  readonly share: Share;
  /** Who stands behind each member of the share. */
  readonly subscriptions = new Map<ShareMember, Subscription>();
  readonly totals: QueueTotals = {
    submitted: 0,
    delivered: 0,
    completed: 0,
    retried: 0,
    failed: 0,
    cancelled: 0,
    stale: 0,
    lost: 0,
  };
  /** Recent deliveries, the whole of which observed shares are parts. */
  readonly recent = new DecayingCount(OBSERVED_HALF_LIFE_MS);
  /** Its live leases, on the lease clock. */
  readonly runs = new RunTime();
  /** What its scaling is decided by. */
  readonly demand = new DemandMeter();
  /** Tasks that one of its analyzers takes at a time, when last anybody was there and asked. */
  places: number | undefined;
  /** Virtual time of this queue among the queues of the node, see `dispatcher.ts`. */
  turnPass = 0;
  /** Moving average of the bytes of delivered specs: an estimate that bounds a turn by bytes. Before the first, a high guess. */
  specBytes = MAX_FRAME_BYTES / 16;
  #isSizeKnown = false;
  #settings: QueueSettings;

  constructor(name: string, settings: QueueSettings) {
    this.name = name;
    this.#settings = settings;
    this.share = new Share(sharePolicy(settings));
  }

  get settings(): QueueSettings {
    return this.#settings;
  }

  configure(settings: QueueSettings): void {
    this.#settings = settings;
    this.share.setPolicy(sharePolicy(settings));
  }

  /** Looks at the totals, for the rates. */
  observeDemand(leaseMs: number): void {
    const { submitted, completed, failed, cancelled, retried } = this.totals;
    this.demand.observe(leaseMs, {
      arrived: submitted + retried,
      ended: completed + failed + cancelled + retried,
      runMs: this.runs.totalMs(leaseMs),
    });
  }

  /** Takes note of the size of a delivered task. */
  observeBytes(bytes: number): void {
    // An eighth per task follows a change of size within some ten tasks, and smooths single large ones.
    this.specBytes = this.#isSizeKnown ? this.specBytes + (bytes - this.specBytes) / 8 : bytes;
    this.#isSizeKnown = true;
  }
}
