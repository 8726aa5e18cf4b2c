/**
 * Decodes `sluice.v1.WorkRequest`: a frame from an analyzer.
 *
 * Texts of errors and progress are for people and are mended (cut, made valid UTF-8), because refusing them would lose the
 * outcome they belong to. Everything else is strict.
 */
import {
  MAX_ERROR_CODE_BYTES,
  MAX_ERROR_DETAILS_BYTES,
  MAX_ERROR_MESSAGE_BYTES,
  MAX_FRAME_ITEMS,
  MAX_LABEL_BYTES,
  MAX_PROGRESS_NOTE_BYTES,
} from "../../core/limits.ts";
import type { AnalyzerFrame, LeaseResult, ProgressReport } from "../../engine/frames.ts";
import { keep } from "./bytes.ts";
import { checkCount, invalid, refusingMalformed } from "./checks.ts";
import { completeHello, emptyHello, type ReceivedHello, readHello } from "./hello.ts";
import { WireReader } from "./reader.ts";
import { lossyText } from "./text.ts";

/** The code of the failure that replaces a result which is too large to keep. */
export const RESULT_TOO_LARGE = "RESULT_TOO_LARGE";
const MAX_PERCENT = 100;
const NO_BYTES = new Uint8Array(0);

/** A frame as far as it has been read. */
interface ReceivedFrame {
  hello: ReceivedHello | undefined;
  readonly results: LeaseResult[];
  readonly releases: number[];
  credit: number;
  readonly progress: ProgressReport[];
}

/** Decodes a frame. `maxOutputBytes` bounds the output of a result. Throws SluiceError INVALID_ARGUMENT. */
export function decodeWorkRequest(bytes: Buffer, maxOutputBytes: number): AnalyzerFrame {
  return refusingMalformed("WorkRequest", () => {
    const reader = new WireReader(bytes);
    const frame: ReceivedFrame = { hello: undefined, results: [], releases: [], credit: 0, progress: [] };
    while (reader.pos < reader.len) readField(reader, frame, maxOutputBytes);
    const { hello, ...rest } = frame;
    return hello === undefined ? rest : { hello: completeHello(hello), ...rest };
  });
}

function readField(reader: WireReader, frame: ReceivedFrame, maxOutputBytes: number): void {
  const tag = reader.next();
  switch (tag) {
    case 0x0a:
      frame.hello ??= emptyHello();
      readHello(reader, frame.hello);
      return;
    case 0x12:
      frame.results.push(readResult(reader, maxOutputBytes));
      checkCount(frame.results.length, MAX_FRAME_ITEMS, "results");
      return;
    case 0x1a:
      readPackedLeases(reader, frame.releases);
      return;
    case 0x19:
      frame.releases.push(reader.lease());
      checkCount(frame.releases.length, MAX_FRAME_ITEMS, "releases");
      return;
    case 0x20:
      frame.credit = reader.uint32();
      return;
    case 0x2a:
      readHeartbeat(reader, frame.progress);
      return;
    default:
      reader.unknown(tag, 5);
  }
}

function readPackedLeases(reader: WireReader, into: number[]): void {
  const end = reader.enter();
  while (reader.pos < end) {
    into.push(reader.lease());
    checkCount(into.length, MAX_FRAME_ITEMS, "releases");
  }
  reader.leave(end);
}

function readHeartbeat(reader: WireReader, into: ProgressReport[]): void {
  const end = reader.enter();
  while (reader.pos < end) {
    const tag = reader.next();
    if (tag !== 0x0a) {
      reader.unknown(tag, 1);
      continue;
    }
    into.push(readProgress(reader));
    checkCount(into.length, MAX_FRAME_ITEMS, "heartbeat.progress");
  }
  reader.leave(end);
}

function readProgress(reader: WireReader): ProgressReport {
  const end = reader.enter();
  let lease = 0;
  let percent = 0;
  let note = "";
  while (reader.pos < end) {
    const tag = reader.next();
    if (tag === 0x09) lease = reader.lease();
    else if (tag === 0x10) percent = Math.min(reader.uint32(), MAX_PERCENT);
    else if (tag === 0x1a) note = lossyText(reader.bytes(), MAX_PROGRESS_NOTE_BYTES);
    else reader.unknown(tag, 3);
  }
  reader.leave(end);
  return { lease, percent, note };
}

/** The outcome of a result as far as it has been read: the later one wins, a repeated one is merged. */
type ReceivedOutcome =
  | { readonly kind: "success"; output: Uint8Array; contentType: string }
  | { readonly kind: "failure"; code: string; message: string; details: Uint8Array; nonRetryable: boolean };

function readResult(reader: WireReader, maxOutputBytes: number): LeaseResult {
  const end = reader.enter();
  let lease = 0;
  let outcome: ReceivedOutcome | undefined;
  while (reader.pos < end) {
    const tag = reader.next();
    if (tag === 0x09) lease = reader.lease();
    else if (tag === 0x12) outcome = readSuccess(reader, outcome);
    else if (tag === 0x1a) outcome = readFailure(reader, outcome);
    else reader.unknown(tag, 3);
  }
  reader.leave(end);
  if (outcome === undefined) throw invalid("a result must have an outcome: success or failure");
  return completeResult(lease, outcome, maxOutputBytes);
}

function readSuccess(reader: WireReader, before: ReceivedOutcome | undefined): ReceivedOutcome {
  const end = reader.enter();
  const outcome: ReceivedOutcome =
    before?.kind === "success" ? before : { kind: "success", output: NO_BYTES, contentType: "" };
  while (reader.pos < end) {
    const tag = reader.next();
    if (tag === 0x0a) outcome.output = reader.bytes();
    else if (tag === 0x12) outcome.contentType = lossyText(reader.bytes(), MAX_LABEL_BYTES);
    else reader.unknown(tag, 2);
  }
  reader.leave(end);
  return outcome;
}

function readFailure(reader: WireReader, before: ReceivedOutcome | undefined): ReceivedOutcome {
  const end = reader.enter();
  const outcome: ReceivedOutcome =
    before?.kind === "failure"
      ? before
      : { kind: "failure", code: "", message: "", details: NO_BYTES, nonRetryable: false };
  while (reader.pos < end) {
    const tag = reader.next();
    if (tag === 0x0a) readError(reader, outcome);
    else if (tag === 0x10) outcome.nonRetryable = reader.bool();
    else reader.unknown(tag, 2);
  }
  reader.leave(end);
  return outcome;
}

function readError(reader: WireReader, into: { code: string; message: string; details: Uint8Array }): void {
  const end = reader.enter();
  while (reader.pos < end) {
    const tag = reader.next();
    if (tag === 0x0a) into.code = lossyText(reader.bytes(), MAX_ERROR_CODE_BYTES);
    else if (tag === 0x12) into.message = lossyText(reader.bytes(), MAX_ERROR_MESSAGE_BYTES);
    else if (tag === 0x1a) into.details = reader.bytes().subarray(0, MAX_ERROR_DETAILS_BYTES);
    else reader.unknown(tag, 3);
  }
  reader.leave(end);
}

function completeResult(lease: number, outcome: ReceivedOutcome, maxOutputBytes: number): LeaseResult {
  if (outcome.kind === "failure") {
    const { code, message, details, nonRetryable } = outcome;
    return { lease, kind: "failure", error: { code, message, details: keep(details) }, nonRetryable };
  }
  const { output, contentType } = outcome;
  if (output.length <= maxOutputBytes) return { lease, kind: "success", result: { output: keep(output), contentType } };
  // Refusing the frame would end the session and with it the work on all other leases, and the next attempt would do it
  // again. So the task fails, with a reason that people find.
  return {
    lease,
    kind: "failure",
    error: {
      code: RESULT_TOO_LARGE,
      message: `the output has ${output.length} bytes; at most ${maxOutputBytes} are kept: store it elsewhere, return where`,
      details: NO_BYTES,
    },
    nonRetryable: true,
  };
}
