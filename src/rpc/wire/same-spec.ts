/**
 * Whether two encoded tasks say the same. Bytes alone do not tell: protobuf has no canonical form, and the maps of some
 * languages have another order each time they are written.
 */
import { createRegistry, equals, fromBinary } from "@bufbuild/protobuf";
import { TaskSpecSchema } from "@sluice/client/contract";

/** Fields that the contract does not know count too: analyzers may know them. */
const COMPARISON = { unknown: true, registry: createRegistry() };

/** Compares two stored specs. */
export function sameSpec(a: Uint8Array, b: Uint8Array): boolean {
  if (Buffer.compare(a, b) === 0) return true;
  return equals(TaskSpecSchema, fromBinary(TaskSpecSchema, a), fromBinary(TaskSpecSchema, b), COMPARISON);
}
