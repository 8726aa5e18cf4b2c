import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TaskState } from "../contract.ts";
import { SubmitError, TaskCancelledError, TaskFailedError } from "../errors.ts";
import { CallFailure, endingOf, FakeNode } from "../testing/fake-node.ts";
import { Mailbox } from "../testing/mailbox.ts";
import { Emitter, type EmitterOptions } from "./emitter.ts";
import { SubmitManyError } from "./submit-many.ts";

const QUICK_RETRY = { initialMs: 1, maxMs: 5, giveUpMs: 10_000 };

let node: FakeNode;
let emitters: Emitter[];

beforeEach(async () => {
  node = await FakeNode.listen();
  emitters = [];
});

afterEach(async () => {
  node.onSubmit = (tasks) => tasks.map(() => ({}));
  await Promise.all(emitters.map((emitter) => emitter.close()));
  node.kill();
});

function emitterOf(options: EmitterOptions = {}): Emitter {
  const emitter = new Emitter({ address: node.address, retry: QUICK_RETRY, ...options });
  emitters.push(emitter);
  return emitter;
}

/** Holds every answer until `open` is called. */
function gate(): { open: () => void; arrived: Mailbox<number> } {
  const arrived = new Mailbox<number>("batch");
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  node.onSubmit = async (tasks) => {
    arrived.put(tasks.length);
    await opened;
    return tasks.map(() => ({}));
  };
  return { open: () => open(), arrived };
}

describe("batching", () => {
  it("sends submits of one turn together, with ids that are set and in order", async () => {
    const emitter = emitterOf();
    const handles = await Promise.all([..."abc"].map((payload) => emitter.submit({ queue: "q", payload })));
    expect(node.batches.map((batch) => batch.map(({ payload }) => Buffer.from(payload).toString()))).toEqual([
      ["a", "b", "c"],
    ]);
    expect(handles.map(({ id }) => id)).toEqual(node.batches[0]?.map(({ id }) => id));
    expect(handles.every(({ id }) => /^[0-9a-f]{8}-[0-9a-f]{4}-7/.test(id))).toBe(true);
  });

  it("collects what is submitted while a batch is in flight in the next one", async () => {
    const { open, arrived } = gate();
    const emitter = emitterOf({ maxInFlightBatches: 1 });
    const first = emitter.submit({});
    await arrived.take();
    const others = [emitter.submit({}), emitter.submit({})];
    open();
    await Promise.all([first, ...others]);
    expect(node.batches.map((batch) => batch.length)).toEqual([1, 2]);
  });

  it("cuts batches by tasks and by bytes", async () => {
    const emitter = emitterOf({ maxBatchTasks: 3 });
    await emitter.submitMany(Array.from({ length: 7 }, () => ({})));
    expect(node.batches.map((batch) => batch.length)).toEqual([3, 3, 1]);
    const bulky = emitterOf();
    const payload = new Uint8Array(400_000);
    await bulky.submitMany(Array.from({ length: 4 }, () => ({ payload })));
    expect(node.batches.slice(3).map((batch) => batch.length)).toEqual([2, 2]);
  });

  it("says what the task is", async () => {
    const notBefore = new Date("2030-01-02T03:04:05.678Z");
    await emitterOf().submit({
      queue: "q",
      type: "t",
      payload: { n: 1 },
      attributes: { a: "b" },
      priority: 0,
      notBefore,
      timeoutMs: 1.5,
      retry: { maxAttempts: 7 },
      fairnessKey: "tenant",
      fairnessWeight: 2,
    });
    expect(node.batches[0]?.[0]).toMatchObject({
      queue: "q",
      type: "t",
      payload: Buffer.from('{"n":1}'),
      contentType: "application/json",
      attributes: { a: "b" },
      priority: 0,
      start: { case: "notBefore", value: { seconds: 1893553445n, nanos: 678_000_000 } },
      timeoutMs: 2,
      retry: { maxAttempts: 7, initialBackoffMs: 0 },
      fairnessKey: "tenant",
      fairnessWeight: 2,
    });
  });
});

describe("retries", () => {
  it("repeats a batch after UNAVAILABLE with the same ids and the same bytes", async () => {
    node.onSubmit = (tasks, call) => {
      if (call < 3) throw new CallFailure(status.UNAVAILABLE, "draining");
      return tasks.map(() => ({ duplicate: true }));
    };
    const handle = await emitterOf().submit({ payload: "x" });
    expect(handle.duplicate).toBe(true);
    expect(node.batches).toHaveLength(3);
    expect(node.batches[2]).toEqual(node.batches[0]);
  });

  it("goes on when the node is killed in the middle of a batch and comes back", async () => {
    const { arrived } = gate();
    const submitted = emitterOf().submit({ payload: "x" });
    await arrived.take();
    node.kill();
    const lost = node.batches;
    node = await FakeNode.listen(node.port);
    await submitted;
    expect(node.batches).toEqual(lost);
  });

  it("fails over to another address", async () => {
    const away = await FakeNode.listen();
    away.kill();
    for (let round = 0; round < 4; round++) {
      const handle = await emitterOf({ address: [away.address, node.address] }).submit({});
      expect(handle.duplicate).toBe(false);
    }
    expect(node.batches).toHaveLength(4);
  });

  it("retries only the tasks of a full queue, not before the node's hint", async () => {
    node.onSubmit = (tasks, call) =>
      tasks.map(({ queue }) =>
        queue === "full" && call === 1 ? { error: { code: 8, message: "full", retryAfterMs: 40 } } : {},
      );
    const emitter = emitterOf();
    const startMs = performance.now();
    const full = emitter.submit({ queue: "full" });
    await emitter.submit({ queue: "free" });
    expect(node.batches).toHaveLength(1);
    await full;
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(39);
    expect(node.batches.map((batch) => batch.map(({ queue }) => queue))).toEqual([["full", "free"], ["full"]]);
  });

  it("gives up after giveUpMs and says why", async () => {
    node.onSubmit = () => {
      throw new CallFailure(status.UNAVAILABLE, "away for good");
    };
    const emitter = emitterOf({ retry: { initialMs: 1, maxMs: 5, giveUpMs: 50 } });
    const task = emitter.submit({ id: "0190163d-8694-739b-aea5-966c26f8ad90" });
    await expect(task).rejects.toMatchObject({
      name: "SubmitError",
      code: "UNAVAILABLE",
      taskId: "0190163d-8694-739b-aea5-966c26f8ad90",
      message: "away for good",
    });
    expect(node.batches.length).toBeGreaterThan(2);
  });

  it("rejects only the refused tasks of a batch, without a retry", async () => {
    node.onSubmit = (tasks) =>
      tasks.map(({ type }) => (type === "bad" ? { error: { code: 3, message: "bad queue name" } } : {}));
    const emitter = emitterOf();
    const [good, bad] = await Promise.allSettled([emitter.submit({}), emitter.submit({ type: "bad" })]);
    expect(good.status).toBe("fulfilled");
    expect(bad).toMatchObject({ reason: { code: "INVALID_ARGUMENT", message: "bad queue name" } });
    expect(node.batches).toHaveLength(1);
  });

  it("rejects a whole batch at once when the node refuses the caller", async () => {
    node.onSubmit = () => {
      throw new CallFailure(status.PERMISSION_DENIED, "no");
    };
    await expect(emitterOf().submit({})).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    expect(node.batches).toHaveLength(1);
  });
});

describe("bounds", () => {
  it("reads an iterable only as far as there is room", async () => {
    const { open, arrived } = gate();
    let read = 0;
    function* endless() {
      while (read < 50) {
        read++;
        yield {};
      }
    }
    const emitter = emitterOf({ maxBufferedTasks: 10, maxBatchTasks: 5, maxInFlightBatches: 1 });
    const many = emitter.submitMany(endless());
    await arrived.take();
    expect(read).toBe(11);
    open();
    expect(await many).toEqual({ accepted: 50, duplicates: 0, failures: 0, failed: [] });
  });

  it("reports progress, duplicates and failures of many", async () => {
    node.onSubmit = (tasks) =>
      tasks.map(({ type }) =>
        type === "bad" ? { error: { code: 6, message: "taken" } } : { duplicate: type === "again" },
      );
    const progress: number[] = [];
    async function* tasks() {
      yield { type: "ok" };
      yield { type: "bad" };
      yield { type: "again" };
      yield { payload: 1n as unknown as object };
    }
    const summary = await emitterOf().submitMany(tasks(), { onProgress: (accepted) => progress.push(accepted) });
    expect(summary).toMatchObject({
      accepted: 2,
      duplicates: 1,
      failures: 2,
    });
    expect(summary.failed.map(({ index, error }) => [index, error.code]).sort()).toEqual([
      [1, "ALREADY_EXISTS"],
      [3, "INVALID_ARGUMENT"],
    ]);
    expect(progress.at(-1)).toBe(2);
  });

  it("stops many, with what was accepted, when the node stays away", async () => {
    node.onSubmit = (tasks, call) => {
      if (call > 2) throw new CallFailure(status.UNAVAILABLE, "away");
      return tasks.map(() => ({}));
    };
    const emitter = emitterOf({
      maxBatchTasks: 5,
      maxInFlightBatches: 1,
      retry: { initialMs: 1, maxMs: 2, giveUpMs: 20 },
    });
    let returned = false;
    function* tasks() {
      try {
        while (true) yield {};
      } finally {
        returned = true;
      }
    }
    const error = await emitter.submitMany(tasks()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SubmitManyError);
    expect(error).toMatchObject({ code: "UNAVAILABLE", summary: { accepted: 10 } });
    expect(returned).toBe(true);
    await emitter.flush();
  });

  it("drops what was not sent when many are aborted", async () => {
    const { open, arrived } = gate();
    const emitter = emitterOf({ maxBatchTasks: 2, maxInFlightBatches: 1 });
    const abort = new AbortController();
    const many = emitter.submitMany(
      Array.from({ length: 9 }, () => ({})),
      { signal: abort.signal },
    );
    await arrived.take();
    abort.abort(new Error("enough"));
    await expect(many).rejects.toThrow("enough");
    open();
    await emitter.flush();
    expect(node.batches.map((batch) => batch.length)).toEqual([2]);
  });

  it("drops an aborted submit and keeps the others", async () => {
    const { open, arrived } = gate();
    const emitter = emitterOf({ maxInFlightBatches: 1 });
    const first = emitter.submit({ type: "first" });
    await arrived.take();
    const abort = new AbortController();
    const dropped = emitter.submit({ type: "dropped" }, { signal: abort.signal });
    const kept = emitter.submit({ type: "kept" });
    abort.abort(new Error("no longer"));
    await expect(dropped).rejects.toThrow("no longer");
    open();
    await Promise.all([first, kept]);
    expect(node.batches.map((batch) => batch.map(({ type }) => type))).toEqual([["first"], ["kept"]]);
  });

  it("refuses what can never be sent without sending it", async () => {
    const emitter = emitterOf();
    const refusals = [
      emitter.submit({ payload: new Uint8Array(5_000_000) }),
      emitter.submit({ delayMs: -1 }),
      emitter.submit({ delayMs: 1, notBefore: new Date() }),
      emitter.submit({ notBefore: new Date(Number.NaN) }),
    ];
    for (const refusal of refusals) {
      await expect(refusal).rejects.toBeInstanceOf(SubmitError);
      await expect(refusal).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(node.batches).toEqual([]);
  });
});

describe("close", () => {
  it("flushes, is idempotent, and takes nothing afterwards", async () => {
    const { open, arrived } = gate();
    const emitter = emitterOf();
    const submitted = emitter.submit({});
    await arrived.take();
    const closing = [emitter.close(), emitter.close()];
    await expect(emitter.submit({})).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
    open();
    await submitted;
    await Promise.all(closing);
  });

  it("flush waits for what was submitted before it, not after", async () => {
    const held: (() => void)[] = [];
    const arrived = new Mailbox<number>("batch");
    node.onSubmit = async (tasks) => {
      arrived.put(tasks.length);
      await new Promise<void>((resolve) => held.push(resolve));
      return tasks.map(() => ({}));
    };
    const emitter = emitterOf();
    const before = emitter.submit({});
    await arrived.take();
    const flushed = emitter.flush();
    const after = emitter.submit({});
    await arrived.take();
    held[0]?.();
    await flushed;
    await before;
    held[1]?.();
    await after;
  });
});

describe("results", () => {
  const completed = {
    state: TaskState.COMPLETED,
    result: { output: Buffer.from('{"ok":true}'), contentType: "application/json" },
  };

  it("awaits many results over one stream", async () => {
    const emitter = emitterOf();
    const handles = await Promise.all([emitter.submit({}), emitter.submit({}), emitter.submit({})]);
    const [first, second, third] = handles.map((handle) => handle.result());
    const wait = await node.waits.take();
    const [a = "", b = "", c = ""] = handles.map(({ id }) => id);
    expect(wait.ids).toEqual([a, b, c]);
    wait.end(
      endingOf(b, {
        spec: { id: b },
        state: TaskState.FAILED,
        attempts: 3,
        error: { code: "BOOM", message: "no luck" },
      }),
      endingOf(c, { spec: { id: c }, state: TaskState.CANCELLED }),
      endingOf(a, { spec: { id: a }, ...completed }),
    );
    await expect(second).rejects.toBeInstanceOf(TaskFailedError);
    await expect(second).rejects.toThrow(`task ${b} failed after 3 attempts, last with BOOM: no luck`);
    await expect(third).rejects.toBeInstanceOf(TaskCancelledError);
    const outcome = await first;
    expect(outcome?.json()).toEqual({ ok: true });
    expect(outcome?.id).toBe(a);
  });

  it("asks again for what a broken stream left open", async () => {
    const handle = await emitterOf().submit({});
    const result = handle.result();
    (await node.waits.take()).end();
    const again = await node.waits.take();
    expect(again.ids).toEqual([handle.id]);
    again.end(endingOf(handle.id, completed));
    expect((await result).contentType).toBe("application/json");
  });

  it("puts half-empty streams together instead of opening ever more", async () => {
    const emitter = emitterOf();
    const results: Promise<unknown>[] = [];
    let last = await waitFor();
    async function waitFor() {
      const handle = await emitter.submit({});
      results.push(handle.result());
      return node.waits.take();
    }
    for (let index = 1; index < 9; index++) last = await waitFor();
    expect(last.ids).toHaveLength(9);
    last.end(...last.ids.map((id) => endingOf(id, completed)));
    expect(await Promise.all(results)).toHaveLength(9);
  });

  it("stops waiting by timeout, signal, unknown id and close", async () => {
    const emitter = emitterOf();
    const handle = await emitter.submit({});
    await expect(handle.result({ timeoutMs: 10 })).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await expect(handle.result({ signal: AbortSignal.timeout(10) })).rejects.toMatchObject({ name: "TimeoutError" });
    const unknown = handle.result();
    const wait = await node.waits.take(({ ids }) => ids.length === 1);
    wait.end(endingOf(handle.id));
    const late = await node.waits.take();
    late.end(endingOf(handle.id));
    await node.waits.take().then(({ end }) => end(endingOf(handle.id)));
    await expect(unknown).rejects.toMatchObject({ code: "NOT_FOUND" });
    const open = handle.result();
    await Promise.all([expect(open).rejects.toMatchObject({ code: "CANCELLED" }), emitter.close()]);
    await expect(handle.result()).rejects.toMatchObject({ code: "CANCELLED" });
  });
});
