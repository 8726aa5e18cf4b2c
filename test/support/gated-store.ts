/**
 * A store whose commits a test holds back: what was asked for takes effect only when the gate opens.
 */
import type { Store } from "../../src/store/port.ts";

/** A store behind a gate. */
export interface GatedStore {
  readonly store: Store;
  /** Holds back `insert` and `finish` from now on. */
  shut(): void;
  /** Lets what was held back go on. */
  open(): void;
}

/** Puts a gate before a store's commits. */
export function gateStore(inner: Store): GatedStore {
  let gate: Promise<void> = Promise.resolve();
  let open = () => {};
  const store = new Proxy(inner, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      if (property !== "insert" && property !== "finish") return value.bind(target);
      return async (...args: unknown[]) => {
        await gate;
        return Reflect.apply(value, target, args);
      };
    },
  });
  return {
    store,
    shut: () => {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    open: () => open(),
  };
}
