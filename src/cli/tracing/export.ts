/**
 * Sends traces by OTLP over HTTP. Loaded only when the environment asks for traces.
 *
 * Endpoint, headers, timeout, sampler, batching and resource attributes come from the standard OTEL_ variables, which
 * OpenTelemetry reads itself.
 */
import { DiagLogLevel, diag } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { openTelemetry } from "@sluice/client/opentelemetry";
import { programVersion } from "../version.ts";
import { TaskSpans } from "./task-spans.ts";
import type { Traces } from "./traces.ts";

/** How long the end of the program waits for a collector. */
const FLUSH_DEADLINE_MS = 3000;

/** Begins to trace. The context of a span follows what its handler awaits. */
export function exportTraces(service: string, say: (line: string) => void): Traces {
  tellOnce(say);
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ "service.name": service, "service.version": programVersion() }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  return {
    tracing: openTelemetry(),
    observer: new TaskSpans(provider.getTracer("sluice")),
    [Symbol.asyncDispose]: () => within(FLUSH_DEADLINE_MS, provider.shutdown(), say),
  };
}

/** The first failure tells what is wrong with the collector; the others would only repeat it. */
function tellOnce(say: (line: string) => void): void {
  let isTold = false;
  const tell = (message: string, ...details: readonly unknown[]): void => {
    if (isTold) return;
    isTold = true;
    say(`traces cannot be sent: ${[reasonIn(message), ...details].map(String).join(" ")}`);
  };
  const quiet = (): void => {};
  const logger = { error: tell, warn: quiet, info: quiet, debug: quiet, verbose: quiet };
  diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
}

/** OpenTelemetry writes errors as JSON with their stacks. */
function reasonIn(message: string): string {
  try {
    const error: unknown = JSON.parse(message);
    return error instanceof Object && "message" in error ? String(error.message) : message;
  } catch {
    return message;
  }
}

async function within(deadlineMs: number, done: Promise<void>, say: (line: string) => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      say("the last traces could not be sent in time");
      resolve();
    }, deadlineMs);
  });
  // What fails has been told.
  await Promise.race([done.catch(() => {}), late]);
  clearTimeout(timer);
}
