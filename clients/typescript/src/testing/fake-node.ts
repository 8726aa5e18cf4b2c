/**
 * A node whose every answer a test writes: real gRPC on the loopback, no rules of its own.
 */
import {
  create,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
  type StatusObject,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  AdminService,
  DistributorService,
  type GetStatsRequest,
  GetStatsResponseSchema,
  type Hello,
  type Result,
  type SubmitBatchRequest,
  type SubmitBatchResponse,
  SubmitBatchResponseSchema,
  TaskService,
  type TaskSpec,
  type WaitTasksRequest,
  type WaitTasksResponse,
  WaitTasksResponseSchema,
  type WorkRequest,
  type WorkResponse,
  WorkResponseSchema,
} from "../contract.ts";
import { Mailbox } from "./mailbox.ts";

type Outcomes = MessageInitShape<typeof SubmitBatchResponseSchema>["outcomes"];

/** Answers a batch: outcomes, or a failure of the whole call. */
export type SubmitScript = (tasks: TaskSpec[], call: number) => Promise<Outcomes> | Outcomes;

/** A status that ends a call. Thrown by scripts. */
export class CallFailure extends Error implements Partial<StatusObject> {
  readonly code: number;
  readonly details: string;
  readonly metadata = new Metadata();

  constructor(code: number, details: string) {
    super(details);
    this.code = code;
    this.details = details;
  }
}

/** One Work stream, as the test plays the node. */
export class FakeSession {
  readonly hello: Hello;
  /** Frames after the hello. */
  readonly frames = new Mailbox<WorkRequest>("frame");
  /** Gets an item when the analyzer ends its side; the node then ends the stream. */
  readonly halfClosed = new Mailbox<true>("end of the analyzer's side");
  readonly #stream: ServerDuplexStream<WorkRequest, WorkResponse>;

  constructor(stream: ServerDuplexStream<WorkRequest, WorkResponse>, hello: Hello) {
    this.#stream = stream;
    this.hello = hello;
    stream.on("end", () => {
      this.halfClosed.put(true);
      stream.end();
    });
  }

  send(frame: MessageInitShape<typeof WorkResponseSchema>): void {
    this.#stream.write(create(WorkResponseSchema, frame));
  }

  welcome(init: Exclude<MessageInitShape<typeof WorkResponseSchema>["welcome"], undefined> = {}): void {
    this.send({
      welcome: { sessionId: "s1", epoch: 1, heartbeatMs: 10_000, leaseMs: 30_000, maxInFlight: 100, ...init },
    });
  }

  deliver(...leases: (readonly [lease: bigint, id: string, type?: string])[]): void {
    this.send({ deliveries: leases.map(([lease, id, type = ""]) => ({ lease, attempt: 1, task: { id, type } })) });
  }

  /** The next results, over as many frames as they take. */
  async results(count: number): Promise<Result[]> {
    const results: Result[] = [];
    while (results.length < count)
      results.push(...(await this.frames.take(({ results: some }) => some.length > 0)).results);
    return results;
  }

  /** Awaits results of these leases, in any order, and accepts them. */
  async confirm(...leases: bigint[]): Promise<void> {
    await this.results(leases.length);
    this.send({ receipts: { accepted: leases } });
  }

  /** Reads nothing more, until `resume`. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  end(): void {
    this.#stream.end();
  }

  fail(code: number, details: string): void {
    this.#stream.emit("error", new CallFailure(code, details));
  }
}

/** See the top of the file. */
export class FakeNode {
  readonly port: number;
  readonly sessions = new Mailbox<FakeSession>("session");
  /** Batches in the order they came. */
  readonly batches: TaskSpec[][] = [];
  /** Requests of WaitTasks. */
  readonly waits = new Mailbox<{ readonly ids: string[]; readonly end: (...endings: WaitTasksResponse[]) => void }>(
    "wait",
  );
  onSubmit: SubmitScript = (tasks) => tasks.map(() => ({}));
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** @param port - 0 for any */
  static async listen(port = 0): Promise<FakeNode> {
    const server = new Server();
    const bound = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, actual) => {
        if (error === null) resolve(actual);
        else reject(error);
      });
    });
    const node = new FakeNode(server, bound);
    node.#serve();
    return node;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Cuts every connection, as a killed process does. Idempotent. */
  kill(): void {
    this.#server.forceShutdown();
  }

  #serve(): void {
    const submitBatch: handleUnaryCall<SubmitBatchRequest, SubmitBatchResponse> = (call, respond) => {
      this.batches.push(call.request.tasks);
      const script = async (): Promise<Outcomes> => this.onSubmit(call.request.tasks, this.batches.length);
      script().then(
        (outcomes) => respond(null, create(SubmitBatchResponseSchema, { outcomes: outcomes ?? [] })),
        (error) => respond(error),
      );
    };
    const work: handleBidiStreamingCall<WorkRequest, WorkResponse> = (stream) => {
      let session: FakeSession | undefined;
      stream.on("error", () => {});
      stream.on("data", (frame: WorkRequest) => {
        if (session !== undefined) session.frames.put(frame);
        else if (frame.hello !== undefined) {
          session = new FakeSession(stream, frame.hello);
          this.sessions.put(session);
        }
      });
    };
    const waitTasks: handleServerStreamingCall<WaitTasksRequest, WaitTasksResponse> = (call) => {
      const end = (...endings: WaitTasksResponse[]): void => {
        for (const ending of endings) call.write(ending);
        call.end();
      };
      this.waits.put({ ids: call.request.ids, end });
    };
    const getStats: handleUnaryCall<GetStatsRequest, MessageShape<typeof GetStatsResponseSchema>> = (call, respond) => {
      respond(null, create(GetStatsResponseSchema, { queues: [{ name: call.request.queue }] }));
    };
    this.#add(DistributorService, { submitBatch, work });
    this.#add(TaskService, { waitTasks });
    this.#add(AdminService, { getStats });
  }

  #add(service: DescService, implementation: UntypedServiceImplementation): void {
    const methods = service.methods.filter((method) => method.localName in implementation);
    const definition: ServiceDefinition = Object.fromEntries(
      methods.map((method) => [
        method.localName,
        {
          path: `/${service.typeName}/${method.name}`,
          requestStream: method.methodKind === "bidi_streaming",
          responseStream: method.methodKind !== "unary",
          ...codecs(method.input, method.output),
        },
      ]),
    );
    this.#server.addService(definition, implementation);
  }
}

function codecs(input: DescMessage, output: DescMessage) {
  return {
    requestSerialize: (message: MessageShape<DescMessage>) => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(input, bytes),
    responseSerialize: (message: MessageShape<DescMessage>) => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(output, bytes),
  };
}

/** The ending of a task, for `waits`. */
export function endingOf(
  id: string,
  task?: MessageInitShape<typeof WaitTasksResponseSchema>["task"],
): WaitTasksResponse {
  return create(WaitTasksResponseSchema, task === undefined ? { id } : { id, task });
}
