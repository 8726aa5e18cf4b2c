/**
 * A store whose answers a test holds back: what was asked for takes effect only when the gate opens, or never.
 */
import type { Store } from "../../src/store/port.ts";

/** A store behind a gate. */
export interface GatedStore {
  readonly store: Store;
  /** Holds back the gated verbs from now on. */
  shut(): void;
  /** Lets what was held back go on. */
  open(): void;
  /** Rejects what was held back and all that follows: the storage has failed. */
  fail(error: Error): void;
}

/** Puts a gate before some verbs of a store, by default before its commits. */
export function gateStore(inner: Store, verbs: readonly (keyof Store)[] = ["insert", "finish"]): GatedStore {
  const gated = new Set<string | symbol>(verbs);
  let gate: Promise<void> = Promise.resolve();
  let open = () => {};
  let refuse: ((error: Error) => void) | undefined;
  const shut = () => {
    gate = new Promise((resolve, reject) => {
      open = resolve;
      refuse = reject;
    });
    gate.catch(() => {}); // nobody may be waiting when it fails
  };
  const store = new Proxy(inner, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      if (!gated.has(property)) return value.bind(target);
      return async (...args: unknown[]) => {
        await gate;
        return Reflect.apply(value, target, args);
      };
    },
  });
  return {
    store,
    shut,
    open: () => open(),
    fail: (error) => {
      if (refuse === undefined) shut();
      refuse?.(error);
    },
  };
}
