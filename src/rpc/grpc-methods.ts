/**
 * Serves the methods of the contract by gRPC. Messages pass grpc-js encoded: it would make INTERNAL of one that it cannot
 * decode.
 */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  MethodDefinition,
  Server,
  ServerDuplexStream,
  ServerWritableStream,
  UntypedHandleCall,
} from "@grpc/grpc-js";
import { SluiceError } from "../core/errors.ts";
import {
  type AnswerSource,
  type AnswerStream,
  type Caller,
  type Method,
  OPERATOR_HEADER,
  type StreamMethod,
  type UnaryMethod,
} from "./method.ts";
import type { OpenStreams } from "./services/open-streams.ts";
import { Sender, type UnsentBytes } from "./services/sender.ts";
import { type RpcLogger, toStatus } from "./status.ts";

/** A call in which both sides send. */
export type DuplexStream = ServerDuplexStream<Buffer, Buffer>;

/** What calls need of their server. */
export interface GrpcParts {
  readonly logger: RpcLogger;
  /** Streams of answers, to be ended by a stop. */
  readonly streams: OpenStreams;
  readonly unsent: UnsentBytes;
  /** Begins a session of an analyzer. */
  openSession(call: DuplexStream): void;
}

/** Adds a service. Every method of it must be there. */
export function addService(server: Server, desc: DescService, methods: readonly Method[], parts: GrpcParts): void {
  const served = new Map(methods.map((method) => [method.desc.localName, method]));
  const missing = desc.methods.filter((method) => !served.has(method.localName));
  if (missing.length > 0) throw new Error(`${missing.join(", ")} must be implemented`);
  server.addService(
    Object.fromEntries(methods.map((method) => [method.desc.localName, definition(method.desc)])),
    Object.fromEntries(methods.map((method) => [method.desc.localName, handlerOf(method, parts)])),
  );
}

/** The path under which a method is called. */
export function pathOf(desc: DescMethod): string {
  return `/${desc.parent.typeName}/${desc.name}`;
}

function definition(desc: DescMethod): MethodDefinition<Buffer, Buffer> {
  return {
    path: pathOf(desc),
    requestStream: desc.methodKind === "client_streaming" || desc.methodKind === "bidi_streaming",
    responseStream: desc.methodKind === "server_streaming" || desc.methodKind === "bidi_streaming",
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

function handlerOf(method: Method, parts: GrpcParts): UntypedHandleCall {
  switch (method.kind) {
    case "unary":
      return unaryHandler(method, parts.logger);
    case "server_streaming":
      return streamHandler(method, parts);
    case "bidi_streaming": {
      const handler: handleBidiStreamingCall<Buffer, Buffer> = (call) => parts.openSession(call);
      return handler;
    }
  }
}

function unaryHandler(method: UnaryMethod, logger: RpcLogger): handleUnaryCall<Buffer, Buffer> {
  return (call, respond) => {
    method.answer(call.request, new GrpcCaller(call)).then(
      (response) => respond(null, response),
      (error: unknown) => respond(toStatus(error, call.getPath(), logger)),
    );
  };
}

function streamHandler(method: StreamMethod, parts: GrpcParts): handleServerStreamingCall<Buffer, Buffer> {
  return (call) => new GrpcAnswers(call, parts).begin(method);
}

/** Looks up what is asked for only: most calls ask for nothing. */
class GrpcCaller implements Caller {
  readonly via = "grpc";
  readonly #call: { getPeer(): string; readonly metadata: Metadata };

  constructor(call: { getPeer(): string; readonly metadata: Metadata }) {
    this.#call = call;
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  get agent(): string {
    return this.#text("user-agent");
  }

  get operator(): string {
    return this.#text(OPERATOR_HEADER);
  }

  #text(key: string): string {
    return String(this.#call.metadata.get(key)[0] ?? "");
  }
}

/** A call that gets many answers. */
class GrpcAnswers implements AnswerStream {
  readonly #call: ServerWritableStream<Buffer, Buffer>;
  readonly #parts: GrpcParts;
  readonly #sender: Sender;
  #source: AnswerSource | undefined;
  #isOver = false;

  constructor(call: ServerWritableStream<Buffer, Buffer>, parts: GrpcParts) {
    this.#call = call;
    this.#parts = parts;
    this.#sender = new Sender(call, parts.unsent, () => {
      if (!this.#isOver) this.#source?.room();
    });
    const gone = parts.streams.add(() =>
      this.end(new SluiceError("UNAVAILABLE", "this node is stopping: ask again at another")),
    );
    // Sent by grpc-js at every end of the call, a good one included.
    call.on("cancelled", () => {
      gone();
      this.#sender.close();
      this.#close();
    });
  }

  get isFull(): boolean {
    return this.#sender.isFull;
  }

  begin(method: StreamMethod): void {
    try {
      this.#source = method.open(this.#call.request, this);
      // All may have been answered at once.
      if (this.#isOver) this.#source.closed();
    } catch (error) {
      this.end(error);
    }
  }

  send(message: Buffer): void {
    if (!this.#isOver) this.#sender.send(message);
  }

  end(error?: unknown): void {
    if (this.#isOver) return;
    if (error === undefined) this.#call.end();
    else this.#call.emit("error", toStatus(error, this.#call.getPath(), this.#parts.logger));
    this.#close();
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#source?.closed();
  }
}
