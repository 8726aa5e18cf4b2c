/**
 * A network line between clients and a node that a test can cut.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

/** See the top of the file. */
export class Line implements AsyncDisposable {
  /** `127.0.0.1:port`, the same for the life of the line. */
  readonly address: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>, port: number) {
    this.#server = server;
    this.#sockets = sockets;
    this.address = `127.0.0.1:${port}`;
  }

  /** @param port - where it leads to, asked for anew with each connection */
  static async open(port: () => number): Promise<Line> {
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      const node = connect(port(), "127.0.0.1");
      for (const [from, to] of [
        [client, node],
        [node, client],
      ] as const) {
        sockets.add(from);
        // A cut is no error here, and both ends of a connection go together.
        from.on("error", () => {});
        from.on("close", () => {
          sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the line has no port");
    return new Line(server, sockets, address.port);
  }

  /** Breaks every connection. New ones come through. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Breaks every connection and takes no more. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cut();
  }
}
