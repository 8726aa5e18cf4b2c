/** Figures of the queues as metrics. Queues beyond MAX_METRIC_QUEUES are added up as `other`. */
import type { Registry } from "prom-client";
import type { TaskState } from "../../core/task.ts";
import type { QueueFigures } from "../../engine/api.ts";
import type { BoundedNames } from "./bounded-names.ts";
import { type Collected, counter, type Described, gauge } from "./collected.ts";
import { grouped, total } from "./grouped.ts";

/** A figure of a queue. `sum` or `max`: what `other` shows of several. */
interface QueueMetric extends Described {
  readonly of: (queue: QueueFigures) => number;
  readonly fold: "sum" | "max";
}

const COUNTERS: readonly QueueMetric[] = [
  ["sluice_tasks_submitted_total", "Tasks accepted.", "submitted"] as const,
  ["sluice_deliveries_total", "Deliveries of tasks to analyzers.", "delivered"] as const,
  ["sluice_tasks_completed_total", "Tasks completed.", "completed"] as const,
  ["sluice_tasks_failed_total", "Tasks that became dead letters.", "failed"] as const,
  ["sluice_tasks_cancelled_total", "Tasks cancelled.", "cancelled"] as const,
  ["sluice_attempts_retried_total", "Attempts that failed and will be repeated.", "retried"] as const,
  ["sluice_results_stale_total", "Results refused because their lease had ended.", "stale"] as const,
  ["sluice_leases_expired_total", "Leases that ended because their analyzer was lost.", "lost"] as const,
].map(([name, help, total]) => ({ name, help, of: ({ totals }: QueueFigures) => totals[total], fold: "sum" as const }));

const GAUGES: readonly QueueMetric[] = [
  {
    name: "sluice_queue_waiting_bytes",
    help: "Bytes of all tasks of a queue that have not ended.",
    of: ({ waitingBytes }) => waitingBytes,
    fold: "sum",
  },
  {
    name: "sluice_queue_head_wait_seconds",
    help: "How long the first task in dispatch order has waited, 0 when none waits.",
    of: ({ headWaitMs }) => headWaitMs / 1000,
    fold: "max",
  },
  {
    name: "sluice_queue_paused",
    help: "1 while an operator has paused the queue.",
    of: ({ settings }) => Number(settings.paused),
    fold: "max",
  },
  {
    name: "sluice_queue_analyzers",
    help: "Analyzers attached to a queue.",
    of: ({ shares }) => shares.filter(({ expected }) => expected > 0).length,
    fold: "sum",
  },
];

const STATES: readonly TaskState[] = [
  "PENDING",
  "SCHEDULED",
  "RUNNING",
  "RETRYING",
  "COMPLETED",
  "FAILED",
  "CANCELLED",
];

const TASKS: Described = { name: "sluice_queue_tasks", help: "Tasks of a queue by state." };

/** The queues. */
export class QueueMetrics {
  readonly #names: BoundedNames;
  readonly #metrics: readonly { readonly metric: QueueMetric; readonly collected: Collected }[];
  readonly #tasks: Collected;

  constructor(registry: Registry, names: BoundedNames) {
    this.#names = names;
    this.#metrics = [
      ...COUNTERS.map((metric) => ({ metric, collected: counter(registry, metric, ["queue"]) })),
      ...GAUGES.map((metric) => ({ metric, collected: gauge(registry, metric, ["queue"]) })),
    ];
    this.#tasks = gauge(registry, TASKS, ["queue", "state"]);
  }

  update(queues: readonly QueueFigures[]): void {
    const groups = grouped(queues, ({ name }) => this.#names.labelOf(name));
    for (const { metric, collected } of this.#metrics) {
      collected.clear();
      for (const [queue, members] of groups) collected.set({ queue }, folded(metric, members));
    }
    this.#tasks.clear();
    for (const [queue, members] of groups) this.#setTasks(queue, members);
  }

  #setTasks(queue: string, members: readonly QueueFigures[]): void {
    for (const state of STATES) {
      this.#tasks.set(
        { queue, state: state.toLowerCase() },
        total(members, ({ counts }) => counts[state]),
      );
    }
  }
}

function folded({ of, fold }: QueueMetric, queues: readonly QueueFigures[]): number {
  return fold === "sum" ? total(queues, of) : Math.max(...queues.map(of));
}
