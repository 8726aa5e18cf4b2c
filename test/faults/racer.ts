/**
 * An analyzer on bare gRPC, for results at the moment when their lease ends: it sends what it is told to when it is told to,
 * and tells the checker of everything.
 */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import {
  DistributorService,
  type HelloSchema,
  WorkRequestSchema,
  type WorkResponse,
  WorkResponseSchema,
} from "@sluice/client/contract";
import type { RawClient } from "../support/raw-client.ts";
import { QUEUE } from "./arena.ts";
import type { Checker } from "./checker.ts";
import { eventsReceived, eventsSent } from "./client/frame-events.ts";

/** A lease as it was delivered. */
export interface RacedLease {
  readonly lease: bigint;
  readonly taskId: string;
  readonly attempt: number;
}

/** One stream of one analyzer. */
export class Racer {
  readonly id: string;
  /** Leases that the node has answered a result of, by its verdict. */
  readonly receipts = new Map<bigint, "accepted" | "stale">();
  /** Resolves when the stream has ended, for whatever reason. */
  readonly ended: Promise<void>;
  readonly #checker: Checker;
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;
  readonly #onDelivery: (lease: RacedLease) => void;

  constructor(
    client: RawClient,
    checker: Checker,
    id: string,
    hello: Omit<MessageInitShape<typeof HelloSchema>, "$typeName">,
    onDelivery: (lease: RacedLease) => void,
  ) {
    this.id = id;
    this.#checker = checker;
    this.#onDelivery = onDelivery;
    this.#stream = client.duplex(DistributorService.method.work);
    this.ended = new Promise((resolve) => this.#stream.once("status", () => resolve()));
    this.#stream.on("error", () => {});
    this.#stream.on("data", (bytes: Buffer) => this.#read(fromBinary(WorkResponseSchema, new Uint8Array(bytes))));
    this.send({ hello: { analyzerId: id, queues: [{ queue: QUEUE }], weight: 1, ...hello } });
  }

  send(frame: MessageInitShape<typeof WorkRequestSchema>): void {
    const message = create(WorkRequestSchema, frame);
    for (const event of eventsSent(message, this.id)) this.#checker.note(event);
    this.#stream.write(Buffer.from(toBinary(WorkRequestSchema, message)));
  }

  /** Completes a lease; the output is its number. */
  complete({ lease }: RacedLease): void {
    this.send({ results: [{ lease, outcome: { case: "success", value: { output: Buffer.from(lease.toString()) } } }] });
  }

  close(): void {
    this.#stream.end();
  }

  #read(frame: WorkResponse): void {
    for (const event of eventsReceived(frame, this.id)) this.#checker.note(event);
    for (const verdict of ["accepted", "stale"] as const) {
      for (const lease of frame.receipts?.[verdict] ?? []) this.receipts.set(lease, verdict);
    }
    for (const { lease, attempt, task } of frame.deliveries) {
      this.#onDelivery({ lease, taskId: task?.id ?? "", attempt });
    }
  }
}
