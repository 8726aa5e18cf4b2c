/**
 * `sluice.v1.DistributorService`: the data plane.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { DistributorService, SubmitResponseSchema } from "@sluice/client/contract";
import { SluiceError } from "../../core/errors.ts";
import type { Distributor, SubmitOutcome } from "../../engine/api.ts";
import { MAX_STATUS_BYTES } from "../limits.ts";
import { type Method, unaryBytes } from "../method.ts";
import { asBuffer } from "../wire/bytes.ts";
import { decodeSubmit, decodeSubmitBatch, encodeSubmitBatchResponse, type TaskAnswer } from "../wire/submit.ts";
import type { ReceivedTask, TaskContext } from "../wire/task-spec.ts";
import { statusText } from "../wire/text.ts";

/** What the service needs. */
export interface DistributorParts {
  readonly distributor: Distributor;
  /** What tasks are read with now. */
  readonly taskContext: () => TaskContext;
}

/** The methods. */
export function distributorMethods(parts: DistributorParts): Method[] {
  const { submit, submitBatch, work } = DistributorService.method;
  return [
    unaryBytes(submit, (request) => submitOne(request, parts)),
    unaryBytes(submitBatch, (request) => submitMany(request, parts)),
    { kind: "bidi_streaming", desc: work },
  ];
}

async function submitOne(request: Buffer, { distributor, taskContext }: DistributorParts): Promise<Buffer> {
  const { task } = decodeSubmit(request, taskContext());
  const [outcome] = await distributor.submit([task]);
  const error = refusalOf(outcome);
  if (error !== undefined) throw error;
  const response = create(SubmitResponseSchema, { id: task.id, duplicate: outcome?.kind === "duplicate" });
  return asBuffer(toBinary(SubmitResponseSchema, response));
}

async function submitMany(request: Buffer, { distributor, taskContext }: DistributorParts): Promise<Buffer> {
  const received = decodeSubmitBatch(request, taskContext());
  const outcomes = await submitValid(received, distributor);
  return encodeSubmitBatchResponse(received.map((task) => answerTo(task, outcomes)));
}

/** Submits those that are not refused. The outcomes come in the order in which they are to be taken out. */
async function submitValid(
  received: readonly (ReceivedTask | SluiceError)[],
  distributor: Distributor,
): Promise<Iterator<SubmitOutcome>> {
  const tasks = received.flatMap((task) => (task instanceof SluiceError ? [] : [task.task]));
  const outcomes = tasks.length === 0 ? [] : await distributor.submit(tasks);
  return outcomes.values();
}

function answerTo(received: ReceivedTask | SluiceError, outcomes: Iterator<SubmitOutcome>): TaskAnswer {
  if (received instanceof SluiceError) return refused(received);
  const outcome: SubmitOutcome | undefined = outcomes.next().value;
  const error = refusalOf(outcome);
  if (error !== undefined) return refused(error);
  return { newId: received.idIsNew ? received.task.id : "", duplicate: outcome?.kind === "duplicate" };
}

function refused(error: SluiceError): TaskAnswer {
  return {
    newId: "",
    duplicate: false,
    error: {
      code: status[error.code],
      message: statusText(error.message, MAX_STATUS_BYTES),
      retryAfterMs: Math.ceil(error.retryAfterMs),
    },
  };
}

/** Why a task was not accepted, if it was not. */
function refusalOf(outcome: SubmitOutcome | undefined): SluiceError | undefined {
  switch (outcome?.kind) {
    case "accepted":
    case "duplicate":
      return undefined;
    case "conflict":
      return new SluiceError("ALREADY_EXISTS", "the id is taken by a task with other content: choose a new id");
    case "full":
      return new SluiceError("RESOURCE_EXHAUSTED", outcome.message, outcome.retryAfterMs);
    case undefined:
      throw new Error("the engine answered fewer tasks than it was given");
  }
}
