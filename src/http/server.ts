/**
 * The HTTP server of a node: the methods of the contract by Connect, the plain REST face, health and metrics.
 *
 * Invariants:
 *  H1  It has no handler of its own for anything that the contract has a method for: all call `nodeServices`.
 *  H2  Whatever a request is, it is answered, in the form of `status.ts`, or its connection is closed.
 *  H3  Pages of strangers are refused before anything else is looked at (`guard.ts`).
 *  H4  While the node drains everything is still answered, so that a drain can be watched; `/readyz` says 503. After
 *      `close` no socket, stream or timer is left.
 */
import { Code } from "@connectrpc/connect";
import { SluiceError } from "../core/errors.ts";
import { type Address, Connections } from "../rpc/connections.ts";
import { CALL_GRACE_MS } from "../rpc/limits.ts";
import { OpenStreams } from "../rpc/services/open-streams.ts";
import { nodeServices, type ServiceParts } from "../rpc/services/services.ts";
import { refusalOf } from "../rpc/status.ts";
import { type Answer, failed, HttpRefusal, notFound, refused, wrongVerb } from "./answers.ts";
import { Bodies } from "./body.ts";
import { Calls } from "./calls.ts";
import { ConnectCalls } from "./connect.ts";
import { allowOrigin, preflight } from "./cors.ts";
import { provenanceOf, readHead, send } from "./exchange.ts";
import { Guard } from "./guard.ts";
import type { HttpLogger } from "./log.ts";
import { type MetricsParts, NodeMetrics } from "./metrics/node-metrics.ts";
import { type Page, pages } from "./pages.ts";
import type { HttpRequest } from "./request.ts";
import { match, type Route } from "./rest/route.ts";
import { restRoutes } from "./rest/routes.ts";
import { HttpSockets, type NodeRequest, type NodeResponse } from "./sockets.ts";

/** What a server is made of. */
export interface HttpOptions extends Address, ServiceParts {
  readonly logger: HttpLogger;
  /** Of the program. */
  readonly version: string;
  /** Origins whose pages may call, besides the node's own: as browsers write them. */
  readonly allowedOrigins: readonly string[];
  /** How much room the store takes and has, for the metrics. */
  readonly storage: MetricsParts["storage"];
}

/** A server that listens. */
export interface RunningHttp extends AsyncDisposable {
  readonly port: number;
  /** Ends streams, lets requests end for a moment, closes. Idempotent. */
  close(): Promise<void>;
}

/** Starts a server. Rejects with what to do when the address cannot be used. */
export async function startHttp(options: HttpOptions): Promise<RunningHttp> {
  const plane = new HttpPlane(options);
  const sockets = new HttpSockets((request, response) => void plane.answer(request, response));
  const connections = new Connections(sockets, options.limits.maxConnections, options.logger, {
    server: sockets.server,
  });
  let port: number;
  try {
    port = await connections.listen(options);
  } catch (error) {
    plane.close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    plane.close();
    closing ??= connections.close(CALL_GRACE_MS);
    return closing;
  };
  return { port, close, [Symbol.asyncDispose]: close };
}

/** Everything above the sockets. */
class HttpPlane {
  readonly #options: HttpOptions;
  readonly #streams = new OpenStreams();
  readonly #guard: Guard;
  readonly #bodies: Bodies;
  readonly #metrics: NodeMetrics;
  readonly #calls: ConnectCalls;
  readonly #routes: readonly Route[];
  readonly #pages: ReadonlyMap<string, Page>;

  constructor(options: HttpOptions) {
    const { limits, logger, version } = options;
    const services = nodeServices(options);
    this.#options = options;
    this.#guard = new Guard(options.allowedOrigins);
    this.#bodies = new Bodies(limits.maxMessageBytes);
    this.#metrics = new NodeMetrics(options);
    this.#calls = new ConnectCalls(services, {
      logger,
      streams: this.#streams,
      maxMessageBytes: limits.maxMessageBytes,
    });
    this.#routes = restRoutes(new Calls(services));
    const parts = { distributor: options.distributor, metrics: this.#metrics, routes: this.#routes, version };
    this.#pages = new Map(pages(parts).map((page) => [page.path, page]));
  }

  /** Answers a request. Never rejects. */
  async answer(request: NodeRequest, response: NodeResponse): Promise<void> {
    const head = readHead(request, response);
    if (head === undefined) {
      await send(refused(400, Code.InvalidArgument, "the request's target is no path"), response);
      return;
    }
    const { logger } = this.#options;
    const startMs = performance.now();
    head.signal.addEventListener("abort", () => {
      const { verb, path, caller } = head;
      const durationMs = Math.round(performance.now() - startMs);
      const fields = { verb, path, status: response.statusCode, durationMs, peer: caller.peer, agent: caller.agent };
      logger.debug({ event: "http.request", ...fields }, "a request was answered");
    });
    const answer = await this.#guarded(request, head);
    // Of no use to anybody once the caller has gone.
    if (head.signal.aborted) return;
    const { body: _, ...bare } = answer;
    await send(head.verb === "HEAD" ? bare : answer, response);
  }

  /** Ends what goes on by itself. */
  close(): void {
    this.#streams.stopAll();
    this.#metrics[Symbol.dispose]();
  }

  async #guarded(request: NodeRequest, head: Omit<HttpRequest, "body">): Promise<Answer> {
    const page = this.#pages.get(head.path);
    const provenance = provenanceOf(request);
    const refusal = page?.isPublic === true ? undefined : this.#guard.refusal(provenance);
    if (refusal !== undefined) return refused(403, Code.PermissionDenied, refusal);
    const { origin } = provenance;
    const isAllowed = this.#guard.allows(origin);
    const answer =
      isAllowed && head.verb === "OPTIONS" ? preflight(head.headers) : await this.#attempt(request, head, page);
    if (isAllowed) allowOrigin(answer, origin);
    return answer;
  }

  /** H2 */
  async #attempt(request: NodeRequest, head: Omit<HttpRequest, "body">, page: Page | undefined): Promise<Answer> {
    try {
      if (page !== undefined) return isLookup(head) ? await page.answer() : wrongVerb(["GET"]);
      if (head.verb !== "POST") return await this.#dispatch({ ...head, body: new Uint8Array(0) });
      return await this.#bodies.with(request, (body) => this.#dispatch({ ...head, body }));
    } catch (error) {
      if (error instanceof HttpRefusal) return refusedEarly(error, request);
      if (head.signal.aborted) return failed(new SluiceError("ABORTED", "the caller has gone"));
      return failed(refusalOf(error, head.path, this.#options.logger));
    }
  }

  async #dispatch(request: HttpRequest): Promise<Answer> {
    const { path } = request;
    if (this.#calls.has(path)) return this.#calls.answer(request);
    const found = this.#routes.flatMap((route) => {
      const id = match(route, path);
      return id === undefined ? [] : [{ route, id }];
    });
    if (found.length === 0) return notFound(path);
    const verb = request.verb === "HEAD" ? "GET" : request.verb;
    const served = found.find(({ route }) => route.verb === verb);
    return served === undefined
      ? wrongVerb(found.map(({ route }) => route.verb))
      : served.route.answer(request, served.id);
  }
}

function isLookup({ verb }: Omit<HttpRequest, "body">): boolean {
  return verb === "GET" || verb === "HEAD";
}

function refusedEarly({ status, refusal }: HttpRefusal, request: NodeRequest): Answer {
  const answer = { ...failed(refusal), status };
  // The rest of the body may still be on its way: the next request cannot be told from it.
  if (request.httpVersionMajor === 1) answer.header?.set("connection", "close");
  return answer;
}
