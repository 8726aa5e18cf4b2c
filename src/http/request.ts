/** A request as the parts of the HTTP plane see it, whichever protocol brought it. */
import type { Caller } from "../rpc/method.ts";

/** A request whose body has come. */
export interface HttpRequest {
  readonly verb: string;
  /** Without the query. */
  readonly path: string;
  readonly url: URL;
  readonly httpVersion: string;
  readonly headers: Headers;
  /** Empty when there is none. */
  readonly body: Uint8Array;
  /** Aborted when the caller has gone. */
  readonly signal: AbortSignal;
  readonly caller: Caller;
}
