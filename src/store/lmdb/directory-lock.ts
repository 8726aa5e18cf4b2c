/**
 * One process per data directory.
 *
 * An owner is a file `owner.<n>` that says which process it is. The highest n counts. Whoever finds its process dead makes
 * `owner.<n + 1>`, which only one can; the file stays when the owner leaves, so that numbers are never used twice.
 *
 *  D1  Of several processes that start at the same time at most one gets the directory.
 *  D2  A process that died without a word holds nothing, even if its process id is in use again: the owner is known by id,
 *      start time and boot of the machine, as far as the system tells them.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { kill, pid } from "node:process";
import { StoreOpenError } from "../port.ts";

const OWNER_FILE = /^owner\.(\d+)$/;
/** Also drafts that a crash has left behind. */
const ANY_OWNER_FILE = /^owner\.(\d+)/;
/** Somebody else was faster this many times: each time another process, so one of them lives. */
const MAX_TRIES = 10;
/** Field of /proc/<pid>/stat after the command: when the process started, in ticks since boot. */
const START_TIME_FIELD = 19;

/** A process, so that no later one can be mistaken for it. */
interface ProcessIdentity {
  readonly pid: number;
  /** Empty where the system does not tell. */
  readonly startTime: string;
  readonly bootId: string;
}

/** The right to use a data directory. */
export class DirectoryLock {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /** Takes the directory, and creates it if needed. Throws `StoreOpenError` when another process has it. */
  static acquire(directory: string): DirectoryLock {
    makeDirectory(resolve(directory));
    const self = identityOf(pid);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const last = lastOwner(directory);
      const owner = last === 0 ? undefined : readOwner(ownerFile(directory, last));
      if (owner !== undefined && isAlive(owner)) throw inUse(directory, owner);
      const number = last + 1;
      if (!claimNumber(directory, number, self)) continue;
      // What was read before may be so old that this number had been used and cleaned away.
      if (lastOwner(directory) > number) {
        rmSync(ownerFile(directory, number), { force: true });
        continue;
      }
      removeOlder(directory, number);
      return new DirectoryLock(ownerFile(directory, number));
    }
    throw new StoreOpenError(`the data directory ${directory} is being opened by other processes: start only one`);
  }

  /** Gives the directory up. */
  release(): void {
    // The file must stay, see above. Replacing it is atomic, writing into it would not be.
    const released = `${this.#file}.released`;
    try {
      writeFileSync(released, "");
      renameSync(released, this.#file);
    } catch {
      // On a full disk, say. The file goes on naming this process, which holds nothing once it has ended.
    }
  }
}

/** Not the recursive mode of Node.js: it tries for ever where nothing can be created, such as in /proc. */
function makeDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(directory);
  if (parent !== directory) makeDirectory(parent);
  try {
    mkdirSync(directory);
  } catch (error) {
    if (!isCode(error, "EEXIST") || !statSync(directory).isDirectory()) throw error;
  }
}

function ownerFile(directory: string, number: number): string {
  return join(directory, `owner.${number}`);
}

function lastOwner(directory: string): number {
  const numbers = readdirSync(directory).map((name) => Number(OWNER_FILE.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

/** Makes the file of an owner, complete or not at all; false when somebody else did. */
function claimNumber(directory: string, number: number, self: ProcessIdentity): boolean {
  const draft = join(directory, `owner.${number}.${self.pid}.${self.startTime}`);
  try {
    writeFileSync(draft, JSON.stringify(self));
    linkSync(draft, ownerFile(directory, number));
    return true;
  } catch (error) {
    // ENOENT: the winner has cleaned the draft away.
    if (isCode(error, "EEXIST") || isCode(error, "ENOENT")) return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function removeOlder(directory: string, number: number): void {
  for (const name of readdirSync(directory)) {
    if (Number(ANY_OWNER_FILE.exec(name)?.[1] ?? number) < number) rmSync(join(directory, name), { force: true });
  }
}

/** Undefined: it was released, or is not readable, which only a crash of the machine leaves behind. */
function readOwner(file: string): ProcessIdentity | undefined {
  try {
    const { pid, startTime, bootId }: Partial<ProcessIdentity> = JSON.parse(readFileSync(file, "utf8"));
    return typeof pid === "number" ? { pid, startTime: String(startTime), bootId: String(bootId) } : undefined;
  } catch {
    return undefined;
  }
}

function identityOf(processId: number): ProcessIdentity {
  return {
    pid: processId,
    startTime: startTimeOf(processId),
    bootId: readText("/proc/sys/kernel/random/boot_id").trim(),
  };
}

function startTimeOf(processId: number): string {
  const stat = readText(`/proc/${processId}/stat`);
  // The command is in parentheses and may hold anything, also parentheses.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[START_TIME_FIELD] ?? "";
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function isAlive(owner: ProcessIdentity): boolean {
  const now = identityOf(owner.pid);
  if (now.startTime !== owner.startTime || now.bootId !== owner.bootId) return false;
  try {
    return kill(owner.pid, 0);
  } catch (error) {
    return isCode(error, "EPERM");
  }
}

function inUse(directory: string, owner: ProcessIdentity): StoreOpenError {
  return new StoreOpenError(
    `the data directory ${directory} is in use by process ${owner.pid}: stop that one, or use another directory`,
  );
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
