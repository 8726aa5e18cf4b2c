/** Tells failures of a start that the operator can mend from faults of the program. */
import { StoreOpenError } from "../../store/port.ts";

/** Why a node could not start. */
export interface StartFailure {
  /** What happened and what to do. */
  readonly message: string;
  /** The message says all: a stack would only hide it. */
  readonly isExpected: boolean;
}

/** What the operator should read. */
export function explainStartFailure(error: unknown): StartFailure {
  if (!(error instanceof Error)) return { message: String(error), isExpected: false };
  // The system's refusals, such as a port that is taken, are explained where they occur and kept as the cause.
  return { message: error.message, isExpected: error instanceof StoreOpenError || isSystemError(error.cause) };
}

function isSystemError(cause: unknown): boolean {
  return cause instanceof Error && "syscall" in cause;
}
