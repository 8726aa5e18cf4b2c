/**
 * A network line between clients and a node that a test can cut, or make swallow what it carries.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { Transform, type TransformCallback } from "node:stream";

/** Which way. */
export type Direction = "to node" | "to client";

/** Carries bytes, until it is told to swallow them. */
class Carrier extends Transform {
  readonly direction: Direction;
  swallows = false;

  constructor(direction: Direction) {
    super();
    this.direction = direction;
  }

  override _transform(bytes: Buffer, _: BufferEncoding, done: TransformCallback): void {
    if (this.swallows) done();
    else done(null, bytes);
  }
}

/** See the top of the file. */
export class Line implements AsyncDisposable {
  /** `127.0.0.1:port`, the same for the life of the line. */
  readonly address: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #carriers: Set<Carrier>;

  private constructor(server: Server, sockets: Set<Socket>, carriers: Set<Carrier>, port: number) {
    this.#server = server;
    this.#sockets = sockets;
    this.#carriers = carriers;
    this.address = `127.0.0.1:${port}`;
  }

  /** @param port - where it leads to, asked for anew with each connection */
  static async open(port: () => number): Promise<Line> {
    const sockets = new Set<Socket>();
    const carriers = new Set<Carrier>();
    const server = createServer((client) => {
      const node = connect(port(), "127.0.0.1");
      for (const [from, to, direction] of [
        [client, node, "to node"],
        [node, client, "to client"],
      ] as const) {
        const carrier = new Carrier(direction);
        carriers.add(carrier);
        sockets.add(from);
        // A cut is no error here, and both ends of a connection go together.
        from.on("error", () => {});
        from.on("close", () => {
          sockets.delete(from);
          carriers.delete(carrier);
          to.destroy();
        });
        from.pipe(carrier).pipe(to);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the line has no port");
    return new Line(server, sockets, carriers, address.port);
  }

  /** Breaks every connection. New ones come through. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** What is sent this way on the connections that there are vanishes from now on. New ones come through. */
  swallow(direction: Direction): void {
    for (const carrier of this.#carriers) if (carrier.direction === direction) carrier.swallows = true;
  }

  /** Breaks every connection and takes no more. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cut();
  }
}
