/**
 * Calls of the contract on bare grpc-js: any bytes may be sent, and statuses come back as they are.
 */
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  type StatusObject,
  status as statusCodes,
} from "@grpc/grpc-js";

/** The path of a method. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Encodes a message. */
export function encode<S extends DescMessage>(schema: S, message: MessageInitShape<S>): Buffer {
  return Buffer.from(toBinary(schema, create(schema, message)));
}

/** The name of a status code, such as NOT_FOUND. */
export function codeName({ code }: StatusObject): string {
  return statusCodes[code];
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

/** A client of one node, on a connection of its own. */
export class RawClient implements Disposable {
  readonly client: Client;

  constructor(port: number) {
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  /** Sends bytes to a unary method. Resolves with the status, good or bad, and the answer if there is one. */
  call(method: DescMethod, request: Uint8Array): Promise<{ status: StatusObject; response: Buffer | undefined }> {
    return new Promise((resolve) => {
      let response: Buffer | undefined;
      const call = this.client.makeUnaryRequest(pathOf(method), asIs, asIs, Buffer.from(request), (_error, answer) => {
        response = answer;
      });
      // Comes after the callback of a good answer, and before that of a bad one.
      call.on("status", (status) => setImmediate(() => resolve({ status, response })));
    });
  }

  /** Sends a message to a unary method. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    const { status, response } = await this.call(method, encode(method.input, request));
    if (response === undefined) throw new Error(`${method.name} failed with ${status.code}: ${status.details}`);
    return fromBinary(method.output, new Uint8Array(response));
  }

  /** The status of a unary call, as `CODE: message`. */
  async refusal<I extends DescMessage>(method: DescMethodUnary<I, DescMessage>, request: MessageInitShape<I>) {
    return this.refusalOfBytes(method, encode(method.input, request));
  }

  /** The same for a message that the generated code would not make. */
  async refusalOfBytes(method: DescMethod, request: Uint8Array): Promise<string> {
    const { status } = await this.call(method, request);
    return `${codeName(status)}: ${status.details}`;
  }

  /** Opens a call that gets many answers. */
  serverStream(method: DescMethod, request: Uint8Array): ClientReadableStream<Buffer> {
    return this.client.makeServerStreamRequest(pathOf(method), asIs, asIs, Buffer.from(request));
  }

  /** Opens a call in which both sides send. */
  duplex(method: DescMethod): ClientDuplexStream<Buffer, Buffer> {
    return this.client.makeBidiStreamRequest(pathOf(method), asIs, asIs);
  }

  [Symbol.dispose](): void {
    this.client.close();
  }
}

/** How a stream ends. Takes the error event, which says the same. */
export function endOf(stream: ClientReadableStream<Buffer>): Promise<StatusObject> {
  return new Promise((resolve) => {
    stream.on("error", () => {});
    stream.on("status", resolve);
  });
}
