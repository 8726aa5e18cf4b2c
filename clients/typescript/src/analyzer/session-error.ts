/**
 * Which errors of a session end the analyzer.
 */
import type { SluiceClientError } from "../errors.ts";

/**
 * No later session would fare better: the node refuses what this analyzer asks for, or a newer session of the same analyzer
 * took over (ABORTED), which a reconnect would throw out in turn, without end. Everything else passes, also
 * FAILED_PRECONDITION, which an analyzer that says hello first, and once, gets only if it did so too late.
 */
export function endsForGood(error: SluiceClientError): boolean {
  switch (error.code) {
    case "ABORTED":
    case "INVALID_ARGUMENT":
    case "UNIMPLEMENTED":
    case "UNAUTHENTICATED":
    case "PERMISSION_DENIED":
      return true;
    default:
      return false;
  }
}
