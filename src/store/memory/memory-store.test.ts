/**
 * The memory store conforms to the port.
 */
import { describeStore } from "../conformance.ts";
import { memoryTestStore } from "../testing/memory-test-store.ts";

describeStore("memory", async () => memoryTestStore());
