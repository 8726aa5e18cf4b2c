/**
 * One connection under guard: counts what costs the node more than the peer, and ends the connection when it is too much.
 *
 * Invariants:
 *  C1  What its calls hold is the sum over them; a connection that holds more than it may is ended at once when it receives,
 *      and within a sweep when it does not read.
 *  C2  What a peer may make the node do without a call (answer pings, apply settings) or in vain (open what it resets) has a
 *      rate, and so have the bytes that belong to no message.
 */
import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import {
  CONTROL_RATE,
  FREE_MESSAGE_PARTS,
  MAX_HEADER_BYTES,
  MAX_OVERHEAD_BYTES,
  MESSAGE_TIMEOUT_MS,
  RESET_RATE,
  SMALL_PART_BYTES,
} from "../limits.ts";
import { Allowance } from "./allowance.ts";
import { GuardedCall } from "./guarded-call.ts";

/** Why a connection is ended. */
export type CutReason =
  | "too many control frames"
  | "too many resets"
  | "a message in too many parts"
  | "too much held in memory"
  | "too many bytes that belong to no message";

/** What a connection needs to know. */
export interface GuardSettings {
  readonly maxMessageBytes: number;
  /** Most that its calls may hold. */
  readonly maxHeldBytes: number;
  /** Whether calls of this path may be open without a message. */
  readonly mayBeSilent: (path: string) => boolean;
  readonly nowMs: () => number;
  /** Bytes that have arrived from this peer so far. */
  readonly bytesRead: (peer: string) => number;
}

/** What a connection tells the guard. */
export interface GuardEvents {
  /** It has said what HTTP/2 asks for. */
  greeted(connection: GuardedConnection): void;
  /** It holds so many bytes more, or less. */
  held(bytes: number): void;
  /** So much of what it held may be there for a moment more: unpacking goes on when a call has ended. */
  leftBehind(bytes: number): void;
  cut(connection: GuardedConnection, reason: CutReason): void;
}

/** How many calls are opened between two looks at what is unread. */
const CALLS_PER_LOOK = 64;

/** A connection. */
export class GuardedConnection {
  /** Its other side, named as grpc-js names it. */
  readonly peer: string;
  readonly #session: ServerHttp2Session;
  readonly #settings: GuardSettings;
  readonly #events: GuardEvents;
  readonly #control: Allowance;
  readonly #resets: Allowance;
  readonly #calls = new Set<GuardedCall>();
  /** Of all calls. */
  #receivedBytes = 0;
  #opened = 0;
  /** Bytes of messages, and an allowance for the headers of calls, since the last sweep. */
  #usefulBytes = 0;
  #bytesRead = 0;
  #isCut = false;

  constructor(session: ServerHttp2Session, settings: GuardSettings, events: GuardEvents) {
    const { remoteAddress, remotePort } = session.socket;
    this.peer = `${remoteAddress}:${remotePort}`;
    this.#session = session;
    this.#settings = settings;
    this.#events = events;
    this.#control = new Allowance(CONTROL_RATE, settings.nowMs());
    this.#resets = new Allowance(RESET_RATE, settings.nowMs());
    session.once("remoteSettings", () => events.greeted(this));
    for (const event of ["ping", "remoteSettings", "priority"]) {
      session.on(event, () => this.#charge(this.#control, "too many control frames"));
    }
    session.on("stream", (stream, headers) => this.#open(stream, headers));
  }

  /** No call is open. */
  get isIdle(): boolean {
    return this.#calls.size === 0;
  }

  /** Bytes that its calls hold in memory, in either direction. */
  get heldBytes(): number {
    let bytes = this.#receivedBytes;
    for (const call of this.#calls) bytes += call.unsentBytes;
    return bytes;
  }

  /** Ends what has gone on for too long. Returns what is held then. */
  sweep(nowMs: number): number {
    for (const call of this.#calls) {
      const before = call.receivedBytes;
      if (call.overdueMs(nowMs) >= MESSAGE_TIMEOUT_MS) call.stream.close(constants.NGHTTP2_CANCEL);
      this.#hold(call.receivedBytes - before);
    }
    this.#look();
    this.#checkOverhead();
    return this.heldBytes;
  }

  /** Ends the connection: a GOAWAY, and nothing more. */
  cut(reason: CutReason): void {
    if (this.#isCut) return;
    // What it holds counts no more, or others would be ended for it.
    this.#hold(-this.#receivedBytes);
    for (const call of this.#calls) this.#events.leftBehind(call.unpackedBytes);
    this.#isCut = true;
    this.#session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.#events.cut(this, reason);
  }

  /** Ends it in good order: the peer may connect again. */
  close(): void {
    this.#session.close();
  }

  #open(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const { maxMessageBytes, mayBeSilent, nowMs } = this.#settings;
    const path = String(headers[":path"]);
    const call = new GuardedCall(stream, maxMessageBytes, mayBeSilent(path), nowMs());
    this.#calls.add(call);
    stream.once("close", () => {
      this.#calls.delete(call);
      this.#hold(-call.receivedBytes);
    });
    stream.once("aborted", () => {
      if (this.#isCut) return;
      this.#events.leftBehind(call.unpackedBytes);
      this.#charge(this.#resets, "too many resets");
    });
    // grpc-js does not read what it has refused, and to listen would make it flow.
    if (stream.listenerCount("data") > 0) stream.on("data", (part: Buffer) => this.#received(call, part));
    this.#opened += 1;
    this.#usefulBytes += MAX_HEADER_BYTES;
    if (this.#opened % CALLS_PER_LOOK === 0) this.#look();
  }

  #received(call: GuardedCall, part: Buffer): void {
    const before = call.receivedBytes;
    call.push(part);
    // Its frame has a header as well, and the credit for it is in another.
    this.#usefulBytes += part.length + SMALL_PART_BYTES;
    this.#hold(call.receivedBytes - before);
    if (this.#receivedBytes > this.#settings.maxHeldBytes) this.cut("too much held in memory");
    else if (part.length < SMALL_PART_BYTES && call.parts > FREE_MESSAGE_PARTS) {
      this.#charge(this.#control, "a message in too many parts");
    }
  }

  #hold(bytes: number): void {
    if (bytes === 0 || this.#isCut) return;
    this.#receivedBytes += bytes;
    this.#events.held(bytes);
  }

  #look(): void {
    if (this.heldBytes > this.#settings.maxHeldBytes) this.cut("too much held in memory");
  }

  /** Frames that mean nothing to a call come to nobody's notice but by their bytes. */
  #checkOverhead(): void {
    const bytesRead = this.#settings.bytesRead(this.peer);
    const overheadBytes = bytesRead - this.#bytesRead - this.#usefulBytes;
    this.#bytesRead = bytesRead;
    this.#usefulBytes = 0;
    if (overheadBytes > MAX_OVERHEAD_BYTES) this.cut("too many bytes that belong to no message");
  }

  #charge(allowance: Allowance, reason: CutReason): void {
    if (!allowance.take(this.#settings.nowMs())) this.cut(reason);
  }
}
