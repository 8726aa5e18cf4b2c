/**
 * An analyzer at the engine's session port, without a network: a test says what it sends and looks at what it got.
 */
import type { SluiceError } from "../../src/core/errors.ts";
import type { Distributor } from "../../src/engine/api.ts";
import type {
  AnalyzerFrame,
  Delivery,
  Hello,
  LeaseResult,
  NodeFrame,
  Session,
  SessionPort,
  Welcome,
} from "../../src/engine/frames.ts";

const NOTHING: AnalyzerFrame = { results: [], releases: [], credit: 0, progress: [] };

/** What a test may leave out of a hello. */
export type HelloInput = Partial<Hello> & { readonly queue?: string };

/** One stream of one scripted analyzer. */
export class ScriptedAnalyzer implements SessionPort {
  readonly peer = "scripted";
  readonly id: string;
  readonly #session: Session;
  /** Everything that was delivered, in order. */
  readonly deliveries: Delivery[] = [];
  readonly accepted: number[] = [];
  readonly stale: number[] = [];
  readonly cancels: NodeFrame["cancels"][number][] = [];
  readonly drains: NonNullable<NodeFrame["drain"]>[] = [];
  readonly changes: NonNullable<NodeFrame["change"]>[] = [];
  welcome: Welcome | undefined;
  error: SluiceError | undefined;
  isEnded = false;
  /** What `send` answers: false plays a socket that takes no more. */
  takesMore = true;
  frames = 0;

  constructor(engine: Distributor, id: string) {
    this.id = id;
    this.#session = engine.attach(this);
  }

  send(frame: NodeFrame): boolean {
    this.frames += 1;
    if (frame.welcome !== undefined) this.welcome = frame.welcome;
    this.deliveries.push(...frame.deliveries);
    this.accepted.push(...frame.accepted);
    this.stale.push(...frame.stale);
    this.cancels.push(...frame.cancels);
    if (frame.change !== undefined) this.changes.push(frame.change);
    if (frame.drain !== undefined) this.drains.push(frame.drain);
    return this.takesMore;
  }

  end(error?: SluiceError): void {
    this.isEnded = true;
    this.error = error;
  }

  hello({ queue = "q", ...input }: HelloInput = {}, credit = 0): this {
    const hello: Hello = {
      analyzerId: this.id,
      subscriptions: [{ queue, weight: 1 }],
      weight: 1,
      maxInFlight: 0,
      held: [],
      version: "",
      labels: {},
      ...input,
    };
    return this.frame({ hello, credit });
  }

  frame(frame: Partial<AnalyzerFrame>): this {
    this.#session.receive({ ...NOTHING, ...frame });
    return this;
  }

  credit(credit: number): this {
    return this.frame({ credit });
  }

  /** Answers leases with success, granting as much credit. */
  complete(leases: readonly number[], credit = leases.length): this {
    const results: LeaseResult[] = leases.map((lease) => ({
      lease,
      kind: "success",
      result: { output: new Uint8Array(), contentType: "" },
    }));
    return this.frame({ results, credit });
  }

  fail(lease: number, nonRetryable = false): this {
    const error = { code: "BROKEN", message: "it broke", details: new Uint8Array() };
    return this.frame({ results: [{ lease, kind: "failure", error, nonRetryable }] });
  }

  writable(): this {
    this.takesMore = true;
    this.#session.writable();
    return this;
  }

  finish(): this {
    this.#session.finished();
    return this;
  }

  break(): this {
    this.#session.broken();
    return this;
  }

  /** Leases delivered and not yet answered by `complete` in the order of delivery, from the given one on. */
  leases(from = 0): number[] {
    return this.deliveries.slice(from).map(({ lease }) => lease);
  }
}
