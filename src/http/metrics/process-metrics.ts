/**
 * Figures of the process by the names that dashboards for Prometheus know. The collection that comes with prom-client has
 * some names that promtool refuses, and walks over all sockets at each scrape.
 */
import { readdir } from "node:fs/promises";
import type { Registry } from "prom-client";
import { type Collected, counter, gauge } from "./collected.ts";

const OPEN_FILES = "/proc/self/fd";
const MICROS_PER_SECOND = 1_000_000;

/** The process. */
export class ProcessMetrics {
  readonly #startSeconds = Date.now() / 1000 - process.uptime();
  readonly #cpu: Collected;
  readonly #start: Collected;
  readonly #resident: Collected;
  readonly #heapUsed: Collected;
  readonly #heapTotal: Collected;
  readonly #external: Collected;
  readonly #openFiles: Collected;

  constructor(registry: Registry) {
    const cpu = "Processor time used, of all threads.";
    this.#cpu = counter(registry, { name: "process_cpu_seconds_total", help: cpu });
    const start = "Start of the process, in seconds since 1970.";
    this.#start = gauge(registry, { name: "process_start_time_seconds", help: start });
    const resident = "Memory of the process that is in RAM.";
    this.#resident = gauge(registry, { name: "process_resident_memory_bytes", help: resident });
    const heapUsed = "Heap of JavaScript in use.";
    this.#heapUsed = gauge(registry, { name: "nodejs_heap_size_used_bytes", help: heapUsed });
    const heapTotal = "Heap of JavaScript reserved.";
    this.#heapTotal = gauge(registry, { name: "nodejs_heap_size_total_bytes", help: heapTotal });
    const external = "Memory outside of the heap that belongs to objects of JavaScript, such as buffers.";
    this.#external = gauge(registry, { name: "nodejs_external_memory_bytes", help: external });
    const openFiles = "Open files and sockets. Linux only.";
    this.#openFiles = gauge(registry, { name: "process_open_fds", help: openFiles });
  }

  async update(): Promise<void> {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    this.#cpu.clear();
    this.#cpu.set({}, (user + system) / MICROS_PER_SECOND);
    this.#start.set({}, this.#startSeconds);
    this.#resident.set({}, rss);
    this.#heapUsed.set({}, heapUsed);
    this.#heapTotal.set({}, heapTotal);
    this.#external.set({}, external);
    this.#openFiles.clear();
    const open = await countOpenFiles();
    if (open !== undefined) this.#openFiles.set({}, open);
  }
}

/** Open files of this process; undefined where nobody can tell. */
async function countOpenFiles(): Promise<number | undefined> {
  try {
    // Less the one that lists them.
    return (await readdir(OPEN_FILES)).length - 1;
  } catch {
    return undefined;
  }
}
