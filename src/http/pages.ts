/** What machines ask a node for: health, readiness, metrics, the description of the REST face, and where all that is. */
import type { Distributor } from "../engine/api.ts";
import { type Answer, json, text } from "./answers.ts";
import type { NodeMetrics } from "./metrics/node-metrics.ts";
import { unreadiness } from "./readiness.ts";
import { openApi } from "./rest/openapi.ts";
import type { Route } from "./rest/route.ts";

/** A page at a fixed path, answered to GET. */
export interface Page {
  readonly path: string;
  /** Gives nothing away and may be asked for under any name, as load balancers do. */
  readonly isPublic: boolean;
  answer(): Promise<Answer> | Answer;
}

/** What the pages are made of. */
export interface PageParts {
  readonly distributor: Pick<Distributor, "vitals">;
  readonly metrics: NodeMetrics;
  readonly routes: readonly Route[];
  readonly version: string;
}

const PLAIN = "text/plain; charset=utf-8";

/** The pages. */
export function pages({ distributor, metrics, routes, version }: PageParts): readonly Page[] {
  const description = `${JSON.stringify(openApi(routes, version), undefined, 2)}\n`;
  return [
    { path: "/", isPublic: false, answer: () => json(200, index(routes, version)) },
    { path: "/healthz", isPublic: true, answer: () => text(200, "ok\n", PLAIN) },
    { path: "/readyz", isPublic: true, answer: () => readiness(distributor) },
    {
      path: "/metrics",
      isPublic: false,
      answer: async () => text(200, await metrics.text(), metrics.contentType),
    },
    { path: "/openapi.json", isPublic: false, answer: () => text(200, description, "application/json") },
  ];
}

function readiness(distributor: PageParts["distributor"]): Answer {
  const reason = unreadiness(distributor.vitals());
  return reason === undefined ? text(200, "ok\n", PLAIN) : text(503, `${reason}\n`, PLAIN);
}

function index(routes: readonly Route[], version: string): Record<string, unknown> {
  return {
    sluice: version,
    rest: routes.map(({ verb, path }) => `${verb} ${path}`),
    methods: "POST /sluice.v1.SERVICE/METHOD with a JSON message, by Connect, gRPC-Web or gRPC",
    pages: ["/healthz", "/readyz", "/metrics", "/openapi.json"],
  };
}
