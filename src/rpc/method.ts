/**
 * Methods of the contract apart from what carries them: gRPC (`grpc-methods.ts`) and HTTP (`src/http`) serve the same ones.
 *
 * All of them take and give encoded messages. The hot path has a codec of its own, the rest uses the generated one; a
 * message that cannot be decoded is the caller's INVALID_ARGUMENT whatever brought it; and a size is known without encoding
 * twice.
 */
import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { asBuffer } from "./wire/bytes.ts";
import { refusingMalformed } from "./wire/checks.ts";

/** Metadata of gRPC and header of HTTP that names who an operator's action is done for. */
export const OPERATOR_HEADER = "sluice-operator";

/** Who calls, as far as the connection tells. All texts are the caller's own claims but `peer`. */
export interface Caller {
  readonly via: "grpc" | "http";
  /** Network address. */
  readonly peer: string;
  /** Program: the user agent. Empty when not given. */
  readonly agent: string;
  /** Person or job that the call is made for: `OPERATOR_HEADER`. Empty when not given. */
  readonly operator: string;
}

/** The outgoing side of a call that gets many answers. */
export interface AnswerStream {
  /** The caller takes no more for now. What is sent all the same waits in memory. */
  readonly isFull: boolean;
  /** Sends an encoded message; nothing after the end. */
  send(message: Buffer): void;
  /** Ends the stream, with an error if there is one. Idempotent. */
  end(error?: unknown): void;
}

/** What fills a stream of answers. */
export interface AnswerSource {
  /** A full stream takes messages again. */
  room(): void;
  /** The stream is over, for whatever reason. Called once. */
  closed(): void;
}

/** A method with one answer. Rejects with SluiceError for expected refusals. */
export interface UnaryMethod {
  readonly kind: "unary";
  readonly desc: DescMethodUnary;
  answer(request: Buffer, caller: Caller): Promise<Buffer>;
}

/** A method with many answers. */
export interface StreamMethod {
  readonly kind: "server_streaming";
  readonly desc: DescMethodServerStreaming;
  /** Begins to answer. What it throws ends the stream. */
  open(request: Buffer, stream: AnswerStream): AnswerSource;
}

/** A method in which both sides send: only gRPC carries it, with code of its own. */
export interface SessionMethod {
  readonly kind: "bidi_streaming";
  readonly desc: DescMethodBiDiStreaming;
}

/** A method with what answers it. */
export type Method = UnaryMethod | StreamMethod | SessionMethod;

/** Answers a message with a message. */
export type UnaryAnswer<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  caller: Caller,
) => Promise<MessageInitShape<O>> | MessageInitShape<O>;

/** Answers a request with a message. */
export function unary<I extends DescMessage, O extends DescMessage>(
  desc: DescMethodUnary<I, O>,
  answer: UnaryAnswer<I, O>,
): UnaryMethod {
  return unaryBytes(desc, async (request, caller) =>
    encode(desc.output, await answer(decode(desc.input, request), caller)),
  );
}

/** Answers an encoded request with an encoded message: for the hot path, which has a codec of its own. */
export function unaryBytes(desc: DescMethodUnary, answer: UnaryMethod["answer"]): UnaryMethod {
  return { kind: "unary", desc, answer };
}

/** Answers a request with a stream. */
export function serverStream<I extends DescMessage, O extends DescMessage>(
  desc: DescMethodServerStreaming<I, O>,
  open: (
    request: MessageShape<I>,
    stream: AnswerStream,
    encodeAnswer: (message: MessageInitShape<O>) => Buffer,
  ) => AnswerSource,
): StreamMethod {
  return {
    kind: "server_streaming",
    desc,
    open: (request, stream) => open(decode(desc.input, request), stream, (message) => encode(desc.output, message)),
  };
}

function decode<I extends DescMessage>(schema: I, bytes: Buffer): MessageShape<I> {
  return refusingMalformed(schema.name, () => fromBinary(schema, bytes));
}

function encode<O extends DescMessage>(schema: O, message: MessageInitShape<O>): Buffer {
  return asBuffer(toBinary(schema, create(schema, message)));
}
