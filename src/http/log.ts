/** What the HTTP plane reports, besides what it shares with gRPC. */
import type { RpcLogger } from "../rpc/status.ts";

/** Names of its events: stable, so that searches can rely on them. */
export type HttpEvent =
  /** A request was answered, or its caller has gone. */
  "http.request";

/** What is reported, under its name. */
export type HttpFields = Readonly<Record<string, unknown>> & { readonly event: HttpEvent };

/** Takes it. A pino logger fits. */
export interface HttpLogger extends RpcLogger {
  debug(fields: HttpFields, message: string): void;
}
