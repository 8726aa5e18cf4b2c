/** What every system goes through, in this order, in every repetition. */

/** Lengths and sizes of the phases. */
export interface Plan {
  readonly payloadBytes: number;
  /** Produce and consume like the steady phase, unmeasured. */
  readonly warmUpMs: number;
  /** Open loop. */
  readonly latencyRatePerSecond: number;
  readonly latencyTasks: number;
  /** Produce and consume. */
  readonly steadyMs: number;
  readonly steadyMaxBacklog: number;
  /** Submit calls of one task each, nobody takes them. */
  readonly singleMs: number;
  readonly singleInFlight: number;
  /** Submit calls of many tasks, nobody takes them. */
  readonly batchMs: number;
  readonly batchTasks: number;
  readonly batchesInFlight: number;
  /** Of the tasks that single and batch left, at most this many are submitted in each. */
  readonly maxTasks: number;
  /** The drain of that backlog is measured for this long at most. */
  readonly drainMs: number;
}

/** What is measured unless something else is asked for. */
export const FULL_PLAN: Plan = {
  payloadBytes: 256,
  warmUpMs: 3000,
  latencyRatePerSecond: 1000,
  latencyTasks: 8000,
  steadyMs: 6000,
  steadyMaxBacklog: 10_000,
  singleMs: 4000,
  singleInFlight: 64,
  batchMs: 4000,
  batchTasks: 100,
  batchesInFlight: 8,
  maxTasks: 400_000,
  drainMs: 10_000,
};

/** Shows that everything works; too short for figures. */
export const QUICK_PLAN: Plan = {
  ...FULL_PLAN,
  warmUpMs: 500,
  latencyTasks: 1000,
  steadyMs: 800,
  singleMs: 500,
  batchMs: 500,
  drainMs: 2000,
};
