/**
 * The conformance suite: what the port promises, for every store. A store's own test calls `describeStore`.
 */
import { describe } from "vitest";
import { describeClaiming, describeOrder, describeReturning } from "./conformance/dispatching.ts";
import { describeStaleLeases, describeTransitions } from "./conformance/finishing.ts";
import type { MakeStore } from "./conformance/fixture.ts";
import { describeInserting, describeLimits } from "./conformance/inserting.ts";
import { describeAdopt, describeRestarts, describeRetention } from "./conformance/keeping.ts";
import { describeFilters, describePages, describeQueues } from "./conformance/listing.ts";
import { describeCancel, describeDue, describeOperations } from "./conformance/waiting.ts";

export type { MakeStore, Restart, TestStore } from "./conformance/fixture.ts";

const PARTS = [
  describeInserting,
  describeLimits,
  describeClaiming,
  describeOrder,
  describeReturning,
  describeTransitions,
  describeStaleLeases,
  describeDue,
  describeCancel,
  describeOperations,
  describeRestarts,
  describeAdopt,
  describeRetention,
  describeFilters,
  describePages,
  describeQueues,
];

/** Runs the suite against a store. `makeStore` makes an empty one for each test. */
export function describeStore(name: string, makeStore: MakeStore): void {
  describe(`the ${name} store`, () => {
    for (const describePart of PARTS) describePart(makeStore);
  });
}
