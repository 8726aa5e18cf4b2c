import { describe, expect, it } from "vitest";
import { tracesWish } from "./environment.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };

describe("traces are wanted", () => {
  it.each([
    ENDPOINT,
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://collector:4318/v1/traces" },
    { OTEL_TRACES_EXPORTER: "otlp" },
    { ...ENDPOINT, OTEL_TRACES_EXPORTER: "", OTEL_SDK_DISABLED: "false" },
  ])("with %j", (env) => {
    expect(tracesWish(env)).toEqual({ wanted: true, notices: [] });
  });

  it.each([
    {},
    { OTEL_SERVICE_NAME: "mail" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "" },
    { ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" },
    { ...ENDPOINT, OTEL_SDK_DISABLED: "TRUE" },
  ])("not with %j", (env) => {
    expect(tracesWish(env)).toEqual({ wanted: false, notices: [] });
  });

  it("as far as they can be had, which is said", () => {
    expect(tracesWish({ OTEL_TRACES_EXPORTER: "zipkin, otlp", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })).toEqual({
      wanted: true,
      notices: [
        "OTEL_TRACES_EXPORTER: 'zipkin' is not there, only otlp and none",
        "OTEL_EXPORTER_OTLP_PROTOCOL: traces go by HTTP, not by gRPC; the endpoint must be one for HTTP (port 4318)",
      ],
    });
    expect(tracesWish({ ...ENDPOINT, OTEL_TRACES_EXPORTER: "jaeger" })).toMatchObject({ wanted: false });
  });
});
