/**
 * The memory store as tests use it.
 */
import type { TestStore } from "../conformance.ts";
import { MemoryStore } from "../memory/memory-store.ts";

/** An empty memory store, or one with the data of another. */
export function memoryTestStore(store = new MemoryStore()): TestStore {
  return {
    store,
    reopen: async (how) => {
      if (how === "closed") await store.close();
      return memoryTestStore(new MemoryStore(store));
    },
    dispose: () => store.close(),
  };
}
