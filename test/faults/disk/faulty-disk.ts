/**
 * A disk that fails on command, under the data directory of a real node: compiles and preloads `faulty-disk.c`.
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  writeSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { revertUnsynced } from "./power-cut.ts";

/** Why there is no such disk on this machine; undefined when there is. */
export const NO_FAULTY_DISK: string | undefined = reasonAgainst();

/** Where the fields of the control file are: see `struct control`. */
const SYNC_ERRNO = 0;
const SYNC_DELAY_MS = 4;
const HOLD = 8;
const HOLDING = 12;
const SYNCS = 16;
const IS_LIMITED = 20;
const ROOM_BYTES = 24;
const CONTROL_BYTES = 32;

/** The library's source, seen from the sources or from the build. */
const SOURCES = ["faulty-disk.c", "../../../../test/faults/disk/faulty-disk.c"];

/** See the top of the file. Disposing removes it; nothing may use it then. */
export class FaultyDisk implements Disposable {
  /** For the node whose data directory it lies under. */
  readonly env: NodeJS.ProcessEnv;
  readonly #folder = mkdtempSync(join(tmpdir(), "sluice-disk-"));
  readonly #dataDirectory: string;
  readonly #undo = join(this.#folder, "undo");
  readonly #control: number;

  /** @param dataDirectory - need not exist yet */
  constructor(dataDirectory: string) {
    const library = join(this.#folder, "faulty-disk.so");
    const source = SOURCES.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) =>
      existsSync(path),
    );
    if (source === undefined) throw new Error("the source of the faulty disk is not there");
    execFileSync("cc", ["-shared", "-fPIC", "-O2", "-Wall", "-o", library, source, "-ldl", "-lpthread"]);
    const control = join(this.#folder, "control");
    this.#control = openSync(control, "w+");
    writeSync(this.#control, Buffer.alloc(CONTROL_BYTES));
    mkdirSync(this.#undo);
    this.#dataDirectory = dataDirectory;
    this.env = {
      LD_PRELOAD: library,
      DISKFAULT_CONTROL: control,
      // The library sees paths as the system does.
      DISKFAULT_DIR: join(realpathSync(dirname(dataDirectory)), basename(dataDirectory)),
      DISKFAULT_UNDO: this.#undo,
    };
  }

  /** From now on every sync fails with an error of the device, or works again. */
  failSyncs(fails: boolean): void {
    this.#set(SYNC_ERRNO, fails ? constants.errno.EIO : 0);
  }

  /** Every sync takes this much longer. */
  delaySyncs(delayMs: number): void {
    this.#set(SYNC_DELAY_MS, delayMs);
  }

  /** Syncs do not return before they are let go. */
  holdSyncs(holds: boolean): void {
    this.#set(HOLD, holds ? 1 : 0);
  }

  /** Whether a sync is being held. */
  get isHolding(): boolean {
    return this.#get(HOLDING) === 1;
  }

  /** Syncs that have succeeded. */
  get syncs(): number {
    return this.#get(SYNCS);
  }

  /** The files can grow by this much and no further; undefined: there is room again. */
  fill(roomBytes: number | undefined): void {
    this.#set(ROOM_BYTES, roomBytes ?? 0);
    this.#set(IS_LIMITED, roomBytes === undefined ? 0 : 1);
  }

  /**
   * Makes of the data what a loss of power could have left: see `power-cut.ts`. The node must be dead. Returns how many
   * blocks were taken back.
   */
  cutPower(random: () => number): number {
    let lost = 0;
    for (const name of readdirSync(this.#undo)) {
      const undo = join(this.#undo, name);
      const file = join(this.#dataDirectory, name);
      // Whose a file is, and that it is gone, survives: the node syncs the directory before it relies on that.
      if (!name.startsWith("owner.") && existsSync(file)) lost += revertUnsynced(file, readFileSync(undo), random);
      rmSync(undo);
    }
    return lost;
  }

  [Symbol.dispose](): void {
    this.holdSyncs(false);
    closeSync(this.#control);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #set(offset: number, value: number): void {
    const field = Buffer.alloc(4);
    field.writeUInt32LE(value);
    writeSync(this.#control, field, 0, field.length, offset);
  }

  #get(offset: number): number {
    const field = Buffer.alloc(4);
    readSync(this.#control, field, 0, field.length, offset);
    return field.readUInt32LE();
  }
}

function reasonAgainst(): string | undefined {
  if (process.platform !== "linux") return "the faulty disk needs Linux (LD_PRELOAD)";
  try {
    execFileSync("cc", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "the faulty disk needs a C compiler (cc)";
  }
}
