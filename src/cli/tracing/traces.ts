/**
 * Traces of this program, if the environment asks for them: loads OpenTelemetry only then.
 */
import type { Tracing } from "@sluice/client";
import type { TaskObserver } from "../../engine/task-observer.ts";
import { tracesWish } from "./environment.ts";

/** What a part of the program traces with. Everything is undefined when no traces are wanted. */
export interface Traces extends AsyncDisposable {
  /** For `Emitter` and `Analyzer`. */
  readonly tracing: Tracing | undefined;
  /** For the engine of a node. */
  readonly observer: TaskObserver | undefined;
}

const NONE: Traces = { tracing: undefined, observer: undefined, [Symbol.asyncDispose]: async () => {} };

/**
 * Opens them; disposing sends what is left, within seconds.
 * @param service name of the program unless OTEL_SERVICE_NAME says otherwise
 * @param say tells people what goes wrong
 */
export async function openTraces(
  service: string,
  env: Readonly<Record<string, string | undefined>>,
  say: (line: string) => void,
): Promise<Traces> {
  const { wanted, notices } = tracesWish(env);
  for (const notice of notices) say(notice);
  if (!wanted) return NONE;
  const { exportTraces } = await import("./export.ts");
  return exportTraces(service, say);
}
