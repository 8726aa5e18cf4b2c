/**
 * Calls of the contract's methods through the generic client of grpc-js: paths and codecs come from the generated
 * descriptors, so no stub and no second code generator is needed.
 */
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  Metadata,
} from "@grpc/grpc-js";
import { SluiceClientError } from "../errors.ts";
import { fromServiceError, toClientError } from "./status.ts";

/** Bounds of one call. */
export interface CallOptions {
  /** The call fails with DEADLINE_EXCEEDED after this long. */
  readonly deadlineMs: number;
  /** Ends the call early; its reason is what the call rejects with. */
  readonly signal?: AbortSignal | undefined;
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** grpc-js wants a Buffer; this is one over the same memory. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function encoder<M extends DescMessage>(schema: M): (message: MessageShape<M>) => Buffer {
  return (message) => asBuffer(toBinary(schema, message));
}

function decoder<M extends DescMessage>(schema: M): (bytes: Buffer) => MessageShape<M> {
  return (bytes) => fromBinary(schema, bytes);
}

/** A unary call with a request that is already encoded. */
export function unaryEncoded<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodUnary<I, O>,
  request: Uint8Array,
  deadlineMs: number,
  done: (error: SluiceClientError | undefined, response: MessageShape<O> | undefined) => void,
): ClientUnaryCall {
  return client.makeUnaryRequest(
    pathOf(method),
    asBuffer,
    decoder(method.output),
    request,
    new Metadata(),
    { deadline: Date.now() + deadlineMs },
    (error, response) => {
      if (error !== null) done(fromServiceError(error), undefined);
      else done(undefined, response);
    },
  );
}

/** A unary call. */
export function unary<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  options: CallOptions,
): Promise<MessageShape<O>> {
  const { signal } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const encoded = toBinary(method.input, create(method.input, request));
    const call = unaryEncoded(client, method, encoded, options.deadlineMs, (error, response) => {
      signal?.removeEventListener("abort", abort);
      if (signal?.aborted) reject(signal.reason);
      else if (response === undefined) reject(error ?? new SluiceClientError("INTERNAL", "OK without a response"));
      else resolve(response);
    });
    const abort = (): void => call.cancel();
    signal?.addEventListener("abort", abort);
  });
}

/** Opens a stream of responses. It must be listened to, or cancelled. */
export function openServerStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodServerStreaming<I, O>,
  request: MessageInitShape<I>,
): ClientReadableStream<MessageShape<O>> {
  return client.makeServerStreamRequest(
    pathOf(method),
    encoder(method.input),
    decoder(method.output),
    create(method.input, request),
    new Metadata(),
  );
}

/** The responses of a stream as an iterable. Leaving the loop, or the signal, ends the call. */
export async function* serverStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodServerStreaming<I, O>,
  request: MessageInitShape<I>,
  signal?: AbortSignal,
): AsyncGenerator<MessageShape<O>, void, undefined> {
  signal?.throwIfAborted();
  const stream = openServerStream(client, method, request);
  const abort = (): void => stream.cancel();
  signal?.addEventListener("abort", abort);
  // After `cancel` the call still reports CANCELLED, when nobody iterates any more.
  stream.on("error", () => {});
  try {
    for await (const response of stream) yield response;
  } catch (error) {
    signal?.throwIfAborted();
    throw toClientError(error);
  } finally {
    signal?.removeEventListener("abort", abort);
    stream.cancel();
  }
}

/** Opens a bidirectional stream. */
export function openBidiStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodBiDiStreaming<I, O>,
): ClientDuplexStream<MessageShape<I>, MessageShape<O>> {
  return client.makeBidiStreamRequest(pathOf(method), encoder(method.input), decoder(method.output), new Metadata());
}
