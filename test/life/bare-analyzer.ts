/**
 * An analyzer on bare gRPC, for what the SDK's would never do: fall silent, answer too late, not read.
 */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import {
  type Delivery,
  DistributorService,
  type HelloSchema,
  WorkRequestSchema,
  type WorkResponse,
  WorkResponseSchema,
} from "@sluice/client/contract";
import type { RawClient } from "../support/raw-client.ts";
import { eventually } from "./every-store.ts";

/** One stream of one analyzer. */
export class BareAnalyzer {
  /** Every frame that came, in order. */
  readonly frames: WorkResponse[] = [];
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;

  /** Opens the stream with a hello. */
  constructor(client: RawClient, hello: MessageInitShape<typeof HelloSchema>, credit = 0) {
    this.#stream = client.duplex(DistributorService.method.work);
    this.#stream.on("error", () => {});
    this.send({ hello: { weight: 1, ...hello }, credit });
  }

  /** Takes what comes. Without it nothing is read. */
  read(): this {
    this.#stream.on("data", (frame: Buffer) => this.frames.push(fromBinary(WorkResponseSchema, new Uint8Array(frame))));
    return this;
  }

  send(frame: MessageInitShape<typeof WorkRequestSchema>): void {
    this.#stream.write(Buffer.from(toBinary(WorkRequestSchema, create(WorkRequestSchema, frame))));
  }

  /** What `find` finds in the frames so far, once it finds something. */
  async until<Found>(find: (frame: WorkResponse) => Found | undefined): Promise<Found> {
    return await eventually(() => {
      for (const frame of this.frames) {
        const found = find(frame);
        if (found !== undefined) return found;
      }
      throw new Error(`no such frame among the ${this.frames.length} that came`);
    });
  }

  /** The first delivery. */
  delivery(): Promise<Delivery> {
    return this.until(({ deliveries }) => deliveries[0]);
  }

  /** Breaks the stream. */
  break(): void {
    this.#stream.cancel();
  }
}
