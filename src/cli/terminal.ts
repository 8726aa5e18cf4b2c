/**
 * The program's surroundings as values: streams, environment, working directory. Commands use this instead of `process`, so
 * that tests can give them others.
 */
import type { Readable } from "node:stream";

/** Something that takes text: a stream of the process, or a test's collector. */
export interface Output {
  write(text: string): void;
  /** People are looking: colour and a progress bar are welcome. */
  readonly isTerminal: boolean;
  /** Characters per line; 80 when unknown. */
  readonly columns: number;
  /** Lines; 24 when unknown. */
  readonly rows: number;
}

/** The surroundings of a command. */
export interface Terminal {
  /** What was asked for: results, tables, JSON. */
  readonly out: Output;
  /** Everything else: progress, notices, errors. */
  readonly err: Output;
  readonly input: Readable;
  /**
   * Reads keys as they are pressed, without echo, Ctrl-C included. Returns what ends it. Where the input is no terminal there
   * are no keys.
   */
  readKeys(onKey: (key: string) => void): () => void;
  /** Tells when the window has another size. Returns what ends it. */
  onResize(listener: () => void): () => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
}

/** Columns of an output that does not say. */
const DEFAULT_COLUMNS = 80;
/** Rows of an output that does not say. */
const DEFAULT_ROWS = 24;

/** The surroundings of this process. */
export function processTerminal(): Terminal {
  return {
    out: streamOutput(process.stdout),
    err: streamOutput(process.stderr),
    input: process.stdin,
    readKeys: (onKey) => readKeys(process.stdin, onKey),
    onResize: (listener) => {
      process.stdout.on("resize", listener);
      return () => void process.stdout.off("resize", listener);
    },
    env: process.env,
    directory: process.cwd(),
  };
}

function streamOutput(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true,
    // Read at each use: the window may be resized. Some terminals say 0.
    get columns() {
      return stream.columns || DEFAULT_COLUMNS;
    },
    get rows() {
      return stream.rows || DEFAULT_ROWS;
    },
  };
}

function readKeys(input: NodeJS.ReadStream, onKey: (key: string) => void): () => void {
  if (!input.isTTY) return () => {};
  const onData = (data: Buffer): void => onKey(data.toString());
  // Raw: each key at once, and none of them a signal.
  input.setRawMode(true).on("data", onData);
  return () => {
    input.off("data", onData).setRawMode(false).pause();
  };
}

/** Writes a line of result. */
export function printLine(terminal: Terminal, line: string): void {
  terminal.out.write(`${line}\n`);
}

/** Writes a line that is not a result. */
export function printNotice(terminal: Terminal, line: string): void {
  terminal.err.write(`${line}\n`);
}
