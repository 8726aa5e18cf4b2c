import { describe, expect, test } from "vitest";
import { SluiceError } from "../core/errors.ts";
import type { AnalyzerFrame, NodeFrame, Welcome } from "./frames.ts";
import { LiveSession, type SessionEvents } from "./live-session.ts";
import { MAX_OUTBOX_ITEMS } from "./settings.ts";

const FRAME: AnalyzerFrame = { results: [], releases: [], credit: 1, progress: [] };
const WELCOME: Welcome = { sessionId: "1-1", epoch: 1, heartbeatMs: 1, leaseMs: 3, maxInFlight: 1, held: [] };
const REFUSAL = new SluiceError("ABORTED", "another took over");

/** A session with all that it tells the engine, and all that it does to its stream, in order. */
function makeSession() {
  const told: string[] = [];
  const sent: NodeFrame[] = [];
  const port = {
    takesMore: true,
    peer: "127.0.0.1:1",
    send: (frame: NodeFrame) => {
      sent.push(frame);
      return port.takesMore;
    },
    end: (error?: SluiceError) => told.push(`end ${error?.code ?? "OK"}`),
  };
  const tell = (name: string) => (of: LiveSession) => told.push(`${name}${of === session ? "" : " of another"}`);
  const events: SessionEvents = {
    received: tell("received"),
    becameWritable: tell("writable"),
    finished: tell("finished"),
    broken: tell("broken"),
    over: tell("over"),
  };
  const session: LiveSession = new LiveSession("1-1", port, events);
  return { session, port, sent, told };
}

describe("a session", () => {
  test("hands on what its stream does, until that has ended (V1)", () => {
    const { session, told } = makeSession();
    session.receive(FRAME);
    session.writable();
    session.finished();
    expect(told).toEqual(["received", "writable", "finished"]);
    expect([session.peer, session.isOver, session.isWritable]).toEqual(["127.0.0.1:1", false, true]);
    session.broken();
    expect(told.slice(3)).toEqual(["over", "broken"]);
    expect([session.isOver, session.isWritable]).toEqual([true, false]);
  });

  test.each<[string, (session: LiveSession) => void, string[]]>([
    ["breaks", (session) => session.broken(), ["over", "broken"]],
    ["ends in good order", (session) => session.end(), ["over", "end OK"]],
    ["is cut by the engine", (session) => session.cut(REFUSAL), ["over", "end ABORTED"]],
    ["is refused, which breaks it", (session) => session.refuse(REFUSAL), ["over", "end ABORTED", "broken"]],
  ])("that %s ends once, and nothing follows", (_name, end, expected) => {
    const { session, sent, told } = makeSession();
    end(session);
    expect(told).toEqual(expected);
    session.receive(FRAME);
    session.writable();
    session.finished();
    session.broken();
    session.end();
    session.cut(REFUSAL);
    session.refuse(REFUSAL);
    session.outbox.accepted(1);
    session.flush();
    expect(told).toEqual(expected);
    expect(sent).toEqual([]);
  });

  test("whose analyzer ends its side twice says so once", () => {
    const { session, told } = makeSession();
    session.finished();
    session.isFinishing = true;
    session.finished();
    expect(told).toEqual(["finished"]);
  });

  test("sends nothing before its hello was answered, the welcome first (V1)", () => {
    const { session, sent } = makeSession();
    session.opening = [];
    session.outbox.accepted(7);
    session.flush();
    expect(sent).toEqual([]);
    session.welcome(WELCOME);
    session.opening = undefined;
    session.flush();
    const nothing = { deliveries: [], accepted: [], stale: [], cancels: [] };
    expect(sent).toEqual([
      { ...nothing, welcome: WELCOME },
      { ...nothing, accepted: [7] },
    ]);
  });

  test("whose socket takes no more keeps the rest until it does (V3)", () => {
    const { session, port, sent, told } = makeSession();
    port.takesMore = false;
    session.outbox.accepted(1);
    expect(session.isWritable).toBe(false);
    session.flush();
    session.outbox.accepted(2);
    session.flush();
    expect(sent.map(({ accepted }) => accepted)).toEqual([[1]]);
    expect(session.isWritable).toBe(false);
    port.takesMore = true;
    session.writable();
    expect(sent.map(({ accepted }) => accepted)).toEqual([[1], [2]]);
    expect([session.isWritable, told]).toEqual([true, ["writable"]]);
  });

  test("whose socket is full after the welcome takes nothing else", () => {
    const { session, port, sent } = makeSession();
    port.takesMore = false;
    session.welcome(WELCOME);
    session.outbox.accepted(1);
    session.flush();
    expect(sent).toHaveLength(1);
    expect(session.isWritable).toBe(false);
  });

  test("that finishes ends when the last receipt that is due has been sent", () => {
    const { session, port, sent, told } = makeSession();
    session.flush();
    session.isFinishing = true;
    session.receiptsDue = 1;
    session.flush();
    expect(told).toEqual([]);
    session.outbox.accepted(1);
    session.receiptsDue = 0;
    port.takesMore = false;
    session.outbox.accepted(2);
    session.flush();
    expect(sent).toHaveLength(1);
    expect(told).toEqual(["over", "end OK"]);
  });

  test("that finishes while its socket takes no more waits for it", () => {
    const { session, port, told } = makeSession();
    port.takesMore = false;
    session.outbox.accepted(1);
    session.flush();
    session.outbox.accepted(2);
    session.isFinishing = true;
    session.flush();
    expect(told).toEqual([]);
    session.writable();
    expect(told.slice(0, 2)).toEqual(["over", "end OK"]);
  });

  test("that lets receipts pile up is refused beyond the limit, not at it", () => {
    const { session, port, told } = makeSession();
    port.takesMore = false;
    session.outbox.accepted(0);
    session.flush();
    for (let lease = 1; lease <= MAX_OUTBOX_ITEMS; lease++) session.outbox.stale(lease);
    session.flush();
    expect(told).toEqual([]);
    session.outbox.stale(0);
    session.flush();
    expect(told).toEqual(["over", "end RESOURCE_EXHAUSTED", "broken"]);
  });
});
