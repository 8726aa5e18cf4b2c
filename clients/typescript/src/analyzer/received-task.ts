/**
 * A delivered task, as a handler sees it.
 */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { TaskSpec } from "../contract.ts";
import { decodeJson, decodeText } from "../payload.ts";

/** A view of the delivered task; nothing is copied. */
export class ReceivedTask {
  /** The task as it travelled, with every field of the contract. */
  readonly spec: TaskSpec;

  constructor(spec: TaskSpec) {
    this.spec = spec;
  }

  get id(): string {
    return this.spec.id;
  }

  get queue(): string {
    return this.spec.queue;
  }

  /** What kind of work it is; may be empty. */
  get type(): string {
    return this.spec.type;
  }

  /** The work itself. A view of the received frame: copy it if it outlives the handler. */
  get payload(): Uint8Array {
    return this.spec.payload;
  }

  /** MIME type of the payload; may be empty. */
  get contentType(): string {
    return this.spec.contentType;
  }

  get attributes(): Readonly<Record<string, string>> {
    return this.spec.attributes;
  }

  /** 0 to 9; undefined when the emitter set none. */
  get priority(): number | undefined {
    return this.spec.priority;
  }

  /** Longest run of this attempt; 0 = no limit. The signal fires when it is over. */
  get timeoutMs(): number {
    return this.spec.timeoutMs;
  }

  /** Tenant, customer or source; may be empty. */
  get fairnessKey(): string {
    return this.spec.fairnessKey;
  }

  /** The time before which it was not to run, if the emitter gave one. */
  get notBefore(): Date | undefined {
    return this.spec.start.case === "notBefore" ? timestampDate(this.spec.start.value) : undefined;
  }

  /** The payload as UTF-8 text. */
  text(): string {
    return decodeText(this.spec.payload);
  }

  /**
   * The payload as JSON. INVALID_ARGUMENT when it is not. The type is the caller's claim: nothing checks it, so validate
   * what comes from elsewhere.
   */
  json<T = unknown>(): T {
    return decodeJson<T>(this.spec.payload);
  }
}
