/**
 * Which errors of a session end the analyzer.
 */
import type { SluiceClientError } from "../errors.ts";

/**
 * No later session would fare better. OUT_OF_RANGE is not among them: a new session starts with fresh credit. ABORTED is
 * also the end of a session whose heartbeats came too late; only the text tells that from a session that was replaced.
 */
export function endsForGood(error: SluiceClientError): boolean {
  switch (error.code) {
    case "INVALID_ARGUMENT":
    case "FAILED_PRECONDITION":
    case "UNIMPLEMENTED":
    case "UNAUTHENTICATED":
    case "PERMISSION_DENIED":
      return true;
    case "ABORTED":
      return /took over|replaced/.test(error.message);
    default:
      return false;
  }
}
