/**
 * A connection to beanstalkd that pipelines: commands are written without waiting for answers, those of one turn in one
 * write. No client library on npm does that, and without it a batch would be a hundred round trips.
 *
 *  B1  Answers come in the order of the commands, one each.
 *  B2  An answer may arrive in any pieces, and many in one.
 */
import { connect, type Socket } from "node:net";

/** An answer: its words, and the body of those that have one. */
export interface Answer {
  readonly words: readonly string[];
  readonly body: Buffer | undefined;
}

const LINE_END = "\r\n";
const LINE_END_BYTES = 2;

/** Cuts a stream of bytes into answers. */
export class AnswerParser {
  #unread: Buffer = Buffer.alloc(0);

  /** Takes what has arrived; returns the answers that it completes. */
  push(part: Buffer): Answer[] {
    this.#unread = this.#unread.length === 0 ? part : Buffer.concat([this.#unread, part]);
    const answers: Answer[] = [];
    let at = 0;
    while (true) {
      const lineEnd = this.#unread.indexOf(LINE_END, at, "latin1");
      if (lineEnd < 0) break;
      const words = this.#unread.toString("latin1", at, lineEnd).split(" ");
      const bodyStart = lineEnd + LINE_END_BYTES;
      if (words[0] !== "RESERVED") {
        answers.push({ words, body: undefined });
        at = bodyStart;
        continue;
      }
      const bodyEnd = bodyStart + Number(words[2]);
      if (this.#unread.length < bodyEnd + LINE_END_BYTES) break;
      answers.push({ words, body: this.#unread.subarray(bodyStart, bodyEnd) });
      at = bodyEnd + LINE_END_BYTES;
    }
    this.#unread = this.#unread.subarray(at);
    return answers;
  }
}

/** One connection. */
export class BeanstalkdConnection {
  readonly #socket: Socket;
  readonly #parser = new AnswerParser();
  /** Who waits for the next answers, first first; `#next` is the first that still waits. */
  #waiting: ((answer: Answer) => void)[] = [];
  #next = 0;
  #unwritten: (string | Buffer)[] = [];
  #error: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (part) => {
      for (const answer of this.#parser.push(typeof part === "string" ? Buffer.from(part) : part))
        this.#answered(answer);
    });
    socket.on("error", (error) => {
      this.#error = error;
    });
  }

  static open(address: string): Promise<BeanstalkdConnection> {
    const [host = "", port = ""] = address.split(":");
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), host, () => resolve(new BeanstalkdConnection(socket)));
      socket.once("error", reject);
    });
  }

  /** Writes a command, with the rest of this turn's; calls back with its answer. */
  send(command: string, body: Buffer | undefined, answered: (answer: Answer) => void): void {
    if (this.#error !== undefined) throw this.#error;
    this.#waiting.push(answered);
    if (this.#unwritten.length === 0) process.nextTick(() => this.#write());
    this.#unwritten.push(`${command}${LINE_END}`);
    if (body !== undefined) this.#unwritten.push(body, LINE_END);
  }

  close(): void {
    this.#socket.destroy();
  }

  #write(): void {
    this.#socket.cork();
    for (const part of this.#unwritten) this.#socket.write(part);
    this.#socket.uncork();
    this.#unwritten = [];
  }

  #answered(answer: Answer): void {
    const answered = this.#waiting[this.#next];
    this.#next += 1;
    if (this.#next > 1024) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    answered?.(answer);
  }
}
