/**
 * Whether the environment asks for traces, by the standard variables of OpenTelemetry. Decided before anything of it is
 * loaded: a program that exports no traces pays nothing for them.
 */

/** What the environment says. */
export interface TracesWish {
  readonly wanted: boolean;
  /** What cannot be done as it was asked for. */
  readonly notices: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const OFF: TracesWish = { wanted: false, notices: [] };

/**
 * Traces are wanted when OTEL_TRACES_EXPORTER says `otlp`, or says nothing while an OTLP endpoint is set. Endpoints,
 * headers, sampler, batching and resource are read by OpenTelemetry itself.
 */
export function tracesWish(env: Environment): TracesWish {
  const { OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_ENDPOINT } = env;
  if (OTEL_SDK_DISABLED?.toLowerCase() === "true") return OFF;
  if (!OTEL_TRACES_EXPORTER) {
    const hasEndpoint = Boolean(OTEL_EXPORTER_OTLP_ENDPOINT || env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]);
    return hasEndpoint ? { wanted: true, notices: protocolNotices(env) } : OFF;
  }
  const exporters = OTEL_TRACES_EXPORTER.split(",").map((name) => name.trim());
  const unknown = exporters.filter((name) => name !== "otlp" && name !== "none");
  const notices = unknown.map((name) => `OTEL_TRACES_EXPORTER: '${name}' is not there, only otlp and none`);
  return exporters.includes("otlp")
    ? { wanted: true, notices: [...notices, ...protocolNotices(env)] }
    : { wanted: false, notices };
}

/** Every collector takes JSON over HTTP, on the port of HTTP. */
function protocolNotices(env: Environment): string[] {
  const protocol = env["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] || env["OTEL_EXPORTER_OTLP_PROTOCOL"];
  if (protocol !== "grpc") return [];
  return ["OTEL_EXPORTER_OTLP_PROTOCOL: traces go by HTTP, not by gRPC; the endpoint must be one for HTTP (port 4318)"];
}
