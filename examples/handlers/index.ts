/**
 * The reference handlers by task type: `sluice work --handlers dist/examples/handlers/index.js`.
 */
import type { Handler } from "@sluice/client";
import { batchArray } from "./batch-array.ts";
import { compute } from "./compute.ts";
import { extractiveSummary } from "./extractive-summary.ts";
import { failThenSucceed } from "./fail-then-succeed.ts";
import { httpRequest } from "./http-request.ts";
import { imageMetadata } from "./image-metadata.ts";
import { logClassification } from "./log-classification.ts";
import { sleep } from "./sleep.ts";
import { textStatistics } from "./text-statistics.ts";

/** What a process that runs the handlers may choose. */
export interface HandlerSettings {
  /** Where `http-request` may go: a comma separated list of host:port, or `*`. Default: nowhere. */
  readonly allowHttp?: string | undefined;
}

/** Every handler by its task type. */
export function referenceHandlers({ allowHttp }: HandlerSettings = {}): Readonly<Record<string, Handler>> {
  return {
    "text-statistics": textStatistics,
    "extractive-summary": extractiveSummary,
    "batch-array": batchArray,
    "image-metadata": imageMetadata,
    compute,
    sleep,
    "http-request": httpRequest(allowHttp ?? ""),
    "fail-then-succeed": failThenSucceed,
    "log-classification": logClassification,
  };
}

/** The handlers with the settings of the environment, for `sluice work`. */
export const handlers = referenceHandlers({ allowHttp: process.env["SLUICE_ALLOW_HTTP"] });
