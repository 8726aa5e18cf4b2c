/**
 * The methods of the contract by Connect, gRPC-Web and (over HTTP/2) gRPC: JSON for people, binary for programs.
 *
 *  C1  Every unary method and every stream of answers is served by the handler that gRPC calls too.
 *  C2  The session of an analyzer is not: it needs a stream that both sides send on, and gRPC is the one for it.
 *  C3  A lookup may be asked for with GET, and then needs no message: what is missing has its default.
 */
import { type DescMethod, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  Code,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import { SluiceError } from "../core/errors.ts";
import type { Caller, Method, StreamMethod, UnaryMethod } from "../rpc/method.ts";
import type { OpenStreams } from "../rpc/services/open-streams.ts";
import type { ServedService } from "../rpc/services/services.ts";
import { type RpcLogger, refusalOf } from "../rpc/status.ts";
import { asBuffer } from "../rpc/wire/bytes.ts";
import { AnswerQueue } from "./answer-queue.ts";
import { type Answer, refused, wrongVerb } from "./answers.ts";
import { MAX_CALL_TIMEOUT_MS } from "./limits.ts";
import type { HttpRequest } from "./request.ts";
import { connectError } from "./status.ts";

/** What the calls need of their server. */
export interface ConnectParts {
  readonly logger: RpcLogger;
  /** Streams of answers, to be ended by a stop. */
  readonly streams: OpenStreams;
  readonly maxMessageBytes: number;
}

const NOBODY: Caller = { via: "http", peer: "", agent: "", operator: "" };
const CALLER = createContextKey<Caller>(NOBODY);

/** Answers calls by path. */
export class ConnectCalls {
  readonly #handlers: ReadonlyMap<string, UniversalHandler>;

  constructor(services: readonly ServedService[], parts: ConnectParts) {
    const router = createConnectRouter({
      readMaxBytes: parts.maxMessageBytes,
      maxTimeoutMs: MAX_CALL_TIMEOUT_MS,
      acceptCompression: [compressionGzip],
      // Zeros are said, and a mistyped name is refused: these answers and requests are read and written by people.
      jsonOptions: { alwaysEmitImplicit: true, ignoreUnknownFields: false },
    });
    for (const { methods } of services) for (const method of methods) addMethod(router, method, parts);
    this.#handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  }

  /** Whether there is a method at this path. */
  has(path: string): boolean {
    return this.#handlers.has(path);
  }

  /** Answers a call of the method at this path. */
  async answer(request: HttpRequest): Promise<Answer> {
    const handler = this.#handlers.get(request.path);
    if (handler === undefined) throw new Error(`no method at ${request.path}`);
    if (!handler.allowedMethods.includes(request.verb)) return wrongVerb(handler.allowedMethods);
    const answer = await handler({
      httpVersion: request.httpVersion,
      method: request.verb,
      url: request.verb === "GET" ? withDefaults(request.url) : request.url.href,
      header: request.headers,
      body: wholeBody(request.body),
      signal: request.signal,
      contextValues: createContextValues().set(CALLER, request.caller),
    });
    return answer.status >= 400 && answer.body === undefined ? wrongProtocol(handler.method, request) : answer;
  }
}

async function* wholeBody(body: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield body;
}

/** C3 */
function withDefaults(url: URL): string {
  const complete = new URL(url);
  if (!complete.searchParams.has("encoding")) complete.searchParams.set("encoding", "json");
  if (!complete.searchParams.has("message")) complete.searchParams.set("message", "{}");
  return complete.href;
}

/** Refused before the method was called, with nothing but a status. */
function wrongProtocol({ methodKind, name }: DescMethod, { headers }: HttpRequest): Answer {
  if (methodKind === "bidi_streaming") return refused(501, Code.Unimplemented, grpcOnly(name));
  const type = headers.get("content-type") ?? "none";
  const fitting =
    methodKind === "unary"
      ? "application/json (curl --json), application/proto or one of gRPC-Web"
      : "application/connect+json, application/connect+proto or one of gRPC-Web, because it streams (buf curl does)";
  return refused(
    415,
    Code.InvalidArgument,
    `the content type ${type} does not fit this method, which takes ${fitting}`,
  );
}

function grpcOnly(name: string): string {
  return `${name} is served by gRPC only: connect the analyzer to the node's gRPC port`;
}

function addMethod(router: ConnectRouter, method: Method, parts: ConnectParts): void {
  switch (method.kind) {
    case "unary":
      addUnary(router, method, parts);
      return;
    case "server_streaming":
      addStream(router, method, parts);
      return;
    case "bidi_streaming":
      router.rpc(method.desc, () => {
        throw connectError(new SluiceError("UNIMPLEMENTED", grpcOnly(method.desc.name)));
      });
      return;
  }
}

function addUnary(router: ConnectRouter, { desc, answer }: UnaryMethod, { logger }: ConnectParts): void {
  router.rpc(desc, async (request, context: HandlerContext) => {
    try {
      const encoded = asBuffer(toBinary(desc.input, request));
      return fromBinary(desc.output, await answer(encoded, context.values.get(CALLER)));
    } catch (error) {
      throw connectError(refusalOf(error, pathOf(context), logger));
    }
  });
}

function addStream(router: ConnectRouter, method: StreamMethod, { logger, streams }: ConnectParts): void {
  router.rpc(method.desc, async function* answers(request, context: HandlerContext) {
    const queue = new AnswerQueue();
    const gone = streams.add(() =>
      queue.end(new SluiceError("UNAVAILABLE", "this node is stopping: ask again at another")),
    );
    context.signal.addEventListener("abort", () => queue.end(), { once: true });
    try {
      queue.begin(method, asBuffer(toBinary(method.desc.input, request)));
      for await (const message of queue.messages()) yield fromBinary(method.desc.output, message);
    } catch (error) {
      throw connectError(refusalOf(error, pathOf(context), logger));
    } finally {
      queue.end();
      gone();
    }
  });
}

function pathOf({ service, method }: HandlerContext): string {
  return `/${service.typeName}/${method.name}`;
}
