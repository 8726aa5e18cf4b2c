/** A folder for the data of a server that is measured. It is removed after use, and also when the bench ends early. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that is there until it is disposed of. */
export class TemporaryFolder implements Disposable {
  readonly path: string;

  constructor(prefix: string) {
    this.path = mkdtempSync(join(tmpdir(), prefix));
    process.once("exit", this.#remove);
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#remove);
    this.#remove();
  }

  readonly #remove = (): void => {
    // A server that was killed a moment ago may still be writing its last.
    rmSync(this.path, { recursive: true, force: true, maxRetries: 3 });
  };
}
