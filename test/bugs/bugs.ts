/**
 * Ten classic bugs of queues, each as a change to one place of the source. They are what the simulation is tested with: a
 * check that none of them sets off is no check.
 *
 * A snippet must be in its file exactly once, or the build fails: whoever changes such a place changes the bug with it.
 */

/** A bug to inject. */
export interface Bug {
  readonly name: string;
  /** What a node with this bug does. */
  readonly effect: string;
  /** From the root of the project. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** The list. */
export const BUGS: readonly Bug[] = [
  {
    name: "OK before commit",
    effect: "a submit is answered when it is handed to the store, not when it is durable",
    file: "src/engine/submissions.ts",
    find: "const answer = this.#node.parts.store.insert(tasks, nowMs);",
    replace:
      "const answer = this.#node.parts.store.insert(tasks, nowMs);\n" +
      "for (const submit of submits) submit.resolve(submit.tasks.map(() => ACCEPTED));",
  },
  {
    name: "no fencing",
    effect: "a result is taken from whoever sends it, if only the lease is live",
    file: "src/engine/reception.ts",
    find: "lease !== undefined && !lease.answered && lease.holder.analyzer === analyzer",
    replace: "lease !== undefined && !lease.answered",
  },
  {
    name: "requeue without removal",
    effect: "a task goes back to its queue, and its old lease stays in the table",
    file: "src/engine/endings.ts",
    find: "    this.#node.leases.remove(lease, leaseMs);\n",
    replace: "",
  },
  {
    name: "credit not returned on disconnect",
    effect: "a lease that was taken over still counts in the window of the old stream, so its answer frees nothing",
    file: "src/engine/attachment.ts",
    find: "      live.window = session.window;\n",
    replace: "",
  },
  {
    name: "attempt not charged",
    effect: "a task that kills its analyzers comes back for ever, as their loss charges nothing",
    file: "src/core/lifecycle.ts",
    find: `: { to: "PENDING", error: outcome.error };`,
    replace: `: { to: "PENDING" };`,
  },
  {
    name: "resume of a lease already given away",
    effect: "after a crash any lease of an earlier epoch is resumed, whoever got the task since",
    file: "src/store/memory/memory-store.ts",
    find: "const mayBeHeld = isCurrent && claim.lease > task.run.endingLease;",
    replace: "const mayBeHeld = isCurrent || epoch < this.#startEpoch;",
  },
  {
    name: "drain drops in-flight results",
    effect: "a drain does not wait for results: what runs goes back at once and its result is stale",
    file: "src/engine/drain.ts",
    find: "    await this.#until(() => this.#isQuiet() || clock.monotonicMs() >= deadlineMs);\n",
    replace: "",
  },
  {
    name: "timer lost on restart",
    effect: "nobody looks for delayed tasks and retries from before the restart",
    file: "src/engine/sweeper.ts",
    find: "    this.#retention.within(RETENTION_CHECK_MS);\n    this.#moveDue();\n",
    replace: "    this.#retention.within(RETENTION_CHECK_MS);\n",
  },
  {
    name: "double redrive",
    effect: "a redrive does not look whether the task still is a dead letter",
    file: "src/store/memory/memory-store.ts",
    find: `      if (task.run.state !== "FAILED" && task.run.state !== "CANCELLED") return "refused";\n`,
    replace: "",
  },
  {
    name: "off-by-one in max lag",
    effect: "an analyzer that returns is owed one task more than max lag",
    file: "src/core/share.ts",
    find: "this.#time.now - this.#policy.maxLag * member.step",
    replace: "this.#time.now - (this.#policy.maxLag + 1) * member.step",
  },
];
