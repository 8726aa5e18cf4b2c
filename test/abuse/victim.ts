/**
 * The node that is attacked: the built program as a process of its own, watched from outside.
 *
 *  V1  It never outlives the run: `stop` kills it when it does not end by itself, and its data goes with it.
 *  V2  Memory is what the process has for itself (RssAnon): pages of the data file come and go as the system likes.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import type { Programs } from "./programs.ts";

/** A folder in memory: how long a disk takes is not what is measured here. */
const MEMORY_FOLDER = "/dev/shm";
const STOP_TIMEOUT_MS = 10_000;
/** Lines of log kept to explain a failure. */
const KEPT_LINES = 50;
const PEAK_INTERVAL_MS = 20;

/** What a log line may say. */
type LogEntry = Readonly<Record<string, unknown>>;

/** Memory of the node, in bytes. */
export interface Memory {
  /** Of the process, without mapped files. */
  readonly rssBytes: number;
  /** What JavaScript still uses after its garbage was collected: heap and buffers. */
  readonly liveBytes: number;
}

/** A running node. */
export class Victim implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #folder: string;
  readonly #ended: Promise<void>;
  readonly #lines: string[] = [];
  readonly #events = new Map<string, number>();
  #listeners: ((entry: LogEntry | undefined) => void)[] = [];
  #port = 0;

  private constructor(child: ChildProcessByStdio<null, Readable, Readable>, folder: string) {
    this.#child = child;
    this.#folder = folder;
    this.#ended = new Promise((resolve) => child.once("close", () => resolve()));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => this.#heard(line));
    }
    child.once("close", () => this.#tell(undefined));
  }

  /** Starts a node with these flags and waits until it serves. */
  static async start(programs: Programs, flags: readonly string[]): Promise<Victim> {
    const folder = mkdtempSync(join(existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir(), "sluice-abuse-"));
    const nodeFlags = ["--expose-gc", "--import", pathToFileURL(programs.preload).href];
    const args = ["serve", "--port", "0", "--log-format", "json", "--data-dir", join(folder, "data"), ...flags];
    const child = spawn(process.execPath, [...nodeFlags, programs.sluice, ...args], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const victim = new Victim(child, folder);
    try {
      await victim.#begin();
      return victim;
    } catch (error) {
      await victim[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #begin(): Promise<void> {
    this.#port = Number((await this.#says("node.started"))["port"]);
  }

  get port(): number {
    return this.#port;
  }

  /** How often the node has logged an event. */
  count(event: string): number {
    return this.#events.get(event) ?? 0;
  }

  /** Throws when the node has ended, with its last words. */
  check(): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) throw this.#death();
  }

  /** Memory after garbage was collected. */
  async memory(): Promise<Memory> {
    const collected = this.#says("test.collected");
    this.#child.kill("SIGUSR2");
    const { liveBytes } = await collected;
    return { rssBytes: this.#rssBytes(), liveBytes: Number(liveBytes) };
  }

  /** Watches memory until the returned function is called, which gives the most there was. */
  watchPeak(): () => number {
    let peakBytes = this.#rssBytes();
    const look = (): void => {
      peakBytes = Math.max(peakBytes, this.#rssBytes());
    };
    const timer = setInterval(look, PEAK_INTERVAL_MS);
    return () => {
      clearInterval(timer);
      look();
      return peakBytes;
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #rssBytes(): number {
    this.check();
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  /** The next log entry with this event. */
  #says(event: string): Promise<LogEntry> {
    return new Promise((resolve, reject) => {
      const listen = (entry: LogEntry | undefined): void => {
        if (entry === undefined) reject(this.#death());
        else if (entry["event"] === event) resolve(entry);
        else this.#listeners.push(listen);
      };
      this.#listeners.push(listen);
    });
  }

  #heard(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    const entry = parseEntry(line);
    if (entry === undefined) return;
    const event = String(entry["event"]);
    this.#events.set(event, this.count(event) + 1);
    this.#tell(entry);
  }

  #tell(entry: LogEntry | undefined): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener(entry);
  }

  #death(): Error {
    return new Error(["the node has ended:", ...this.#lines].join("\n"));
  }
}

function parseEntry(line: string): LogEntry | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === "object" && entry !== null ? { ...entry } : undefined;
  } catch {
    return undefined;
  }
}
