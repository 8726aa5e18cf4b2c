/**
 * Whether two encoded tasks say the same. Bytes alone do not tell: protobuf has no canonical form, and the maps of some
 * languages have another order each time they are written. Trace context does not count: who submits a task again because
 * the outcome is unknown does so in another step of his trace.
 */
import { createRegistry, equals, fromBinary } from "@bufbuild/protobuf";
import { type TaskSpec, TaskSpecSchema } from "@sluice/client/contract";

/** Fields that the contract does not know count too: analyzers may know them. */
const COMPARISON = { unknown: true, registry: createRegistry() };
/** As W3C Trace Context and W3C Baggage name them. */
const TRACE_ATTRIBUTES = ["traceparent", "tracestate", "baggage"];

/** Compares two stored specs. */
export function sameSpec(a: Uint8Array, b: Uint8Array): boolean {
  if (Buffer.compare(a, b) === 0) return true;
  return equals(TaskSpecSchema, withoutTrace(a), withoutTrace(b), COMPARISON);
}

function withoutTrace(encoded: Uint8Array): TaskSpec {
  const spec = fromBinary(TaskSpecSchema, encoded);
  for (const key of TRACE_ATTRIBUTES) delete spec.attributes[key];
  return spec;
}
