/** One of the two client processes of a repetition, as the bench sees it. It ends with the bench, or when it is closed. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ProgressNote, Reply, Requests } from "./client/protocol.ts";

const MAIN = fileURLToPath(new URL("./client/main.js", import.meta.url));
/** A client that cannot close its connections within this is killed: its server is stopped next anyway. */
const CLOSE_TIMEOUT_MS = 5_000;

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** A child process that produces or consumes. */
export class ClientProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  /**
   * @param execPath Node.js to run it on
   * @param onProgress told by a consumer how far handlers are
   */
  constructor(role: "producer" | "consumer", execPath: string, onProgress: (note: ProgressNote) => void) {
    this.#child = fork(MAIN, [role], { execPath });
    // The other end of the channel is ours as well.
    this.#child.on("message", (message) => {
      const reply = message as Reply;
      if (!("id" in reply)) onProgress(reply);
      else this.#answered(reply);
    });
    // Also told of what could not be sent, because the process is gone.
    this.#child.on("error", (error) => this.#failed(error));
    this.#child.once("exit", (code, signal) => this.#failed(new Error(`the ${role} ended (${signal ?? code})`)));
  }

  /** Rejects with the error of the other side, or when the process ends. */
  request<Name extends keyof Requests>(
    name: Name,
    carries: Requests[Name]["carries"],
  ): Promise<Requests[Name]["answer"]> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (answer) => resolve(answer as Requests[Name]["answer"]), reject });
      this.#child.send({ id, name, carries });
    });
  }

  /** Passes on how far handlers are. */
  tell(note: ProgressNote): void {
    if (this.#child.connected) this.#child.send(note);
  }

  /** Disconnects from the server and ends. */
  async close(): Promise<void> {
    const killing = setTimeout(() => this.#child.kill("SIGKILL"), CLOSE_TIMEOUT_MS);
    const hasEnded = this.#child.exitCode !== null || this.#child.signalCode !== null;
    if (!hasEnded) {
      const exited = once(this.#child, "exit");
      await this.request("close", null).catch(() => {});
      if (this.#child.connected) this.#child.disconnect();
      await exited;
    }
    clearTimeout(killing);
  }

  #failed(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #answered(reply: Extract<Reply, { readonly id: number }>): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(new Error(reply.error));
    else waiting?.resolve(reply.answer);
  }
}
