/**
 * Methods of the contract as grpc-js serves them. All of them take and give encoded messages, so that a message that cannot
 * be decoded is the caller's INVALID_ARGUMENT; grpc-js would make INTERNAL of it.
 */

import type { DescMethodServerStreaming, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, type DescMessage, type DescMethod, type DescService, fromBinary, toBinary } from "@bufbuild/protobuf";
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  Server,
  ServerDuplexStream,
  ServerWritableStream,
} from "@grpc/grpc-js";
import { type RpcLogger, toStatus } from "./status.ts";
import { asBuffer } from "./wire/bytes.ts";
import { refusingMalformed } from "./wire/checks.ts";

/** A call that gets many answers. */
export type AnswerStream = ServerWritableStream<Buffer, Buffer>;
/** A call in which both sides send. */
export type DuplexStream = ServerDuplexStream<Buffer, Buffer>;

/** A method with what answers it. */
export interface Method {
  readonly desc: DescMethod;
  readonly handler:
    | handleUnaryCall<Buffer, Buffer>
    | handleServerStreamingCall<Buffer, Buffer>
    | handleBidiStreamingCall<Buffer, Buffer>;
}

/** Answers a request with a message. */
export function unary<I extends DescMessage, O extends DescMessage>(
  desc: DescMethodUnary<I, O>,
  logger: RpcLogger,
  answer: (request: MessageShape<I>) => Promise<MessageInitShape<O>> | MessageInitShape<O>,
): Method {
  return unaryBytes(desc, logger, async (request) => encode(desc.output, await answer(decode(desc.input, request))));
}

/** Answers an encoded request with an encoded message: for the hot path, which has a codec of its own. */
export function unaryBytes(desc: DescMethod, logger: RpcLogger, answer: (request: Buffer) => Promise<Buffer>): Method {
  const handler: handleUnaryCall<Buffer, Buffer> = (call, respond) => {
    answer(call.request).then(
      (response) => respond(null, response),
      (error: unknown) => respond(toStatus(error, call.getPath(), logger)),
    );
  };
  return { desc, handler };
}

/** Answers a request with a stream. What `open` throws ends it. */
export function serverStream<I extends DescMessage, O extends DescMessage>(
  desc: DescMethodServerStreaming<I, O>,
  logger: RpcLogger,
  open: (request: MessageShape<I>, call: AnswerStream, encodeAnswer: (message: MessageInitShape<O>) => Buffer) => void,
): Method {
  const handler: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    try {
      open(decode(desc.input, call.request), call, (message) => encode(desc.output, message));
    } catch (error) {
      call.emit("error", toStatus(error, call.getPath(), logger));
    }
  };
  return { desc, handler };
}

/** Opens a call in which both sides send. */
export function duplex(desc: DescMethod, open: (call: DuplexStream) => void): Method {
  const handler: handleBidiStreamingCall<Buffer, Buffer> = (call) => open(call);
  return { desc, handler };
}

/** Adds a service. Every method of it must be there. */
export function addService(server: Server, desc: DescService, methods: readonly Method[]): void {
  const served = new Map(methods.map((method) => [method.desc.localName, method]));
  const missing = desc.methods.filter((method) => !served.has(method.localName));
  if (missing.length > 0) throw new Error(`${missing.join(", ")} must be implemented`);
  server.addService(
    Object.fromEntries(methods.map((method) => [method.desc.localName, definition(method.desc)])),
    Object.fromEntries(methods.map((method) => [method.desc.localName, method.handler])),
  );
}

function definition(desc: DescMethod): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/${desc.parent.typeName}/${desc.name}`,
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

function decode<I extends DescMessage>(schema: I, bytes: Buffer): MessageShape<I> {
  return refusingMalformed(schema.name, () => fromBinary(schema, bytes));
}

function encode<O extends DescMessage>(schema: O, message: MessageInitShape<O>): Buffer {
  return asBuffer(toBinary(schema, create(schema, message)));
}
