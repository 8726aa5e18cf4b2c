/**
 * The methods of the contract for callers inside of the HTTP plane, such as the plain REST face: the same answers, without a
 * protocol.
 */
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { Caller, UnaryMethod } from "../rpc/method.ts";
import type { ServedService } from "../rpc/services/services.ts";
import { asBuffer } from "../rpc/wire/bytes.ts";
import { refusingMalformed } from "../rpc/wire/checks.ts";

/** Calls methods by their descriptors. */
export class Calls {
  readonly #methods: ReadonlyMap<string, UnaryMethod>;

  constructor(services: readonly ServedService[]) {
    const methods = services.flatMap((service) => service.methods).filter((method) => method.kind === "unary");
    this.#methods = new Map(methods.map((method) => [nameOf(method.desc), method]));
  }

  /** Rejects with SluiceError for expected refusals. */
  async call<I extends DescMessage, O extends DescMessage>(
    desc: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    caller: Caller,
  ): Promise<MessageShape<O>> {
    const method = this.#methods.get(nameOf(desc));
    if (method === undefined) throw new Error(`${nameOf(desc)} is not served`);
    // A number that its field cannot hold is the caller's.
    const encoded = refusingMalformed(desc.input.name, () => toBinary(desc.input, create(desc.input, request)));
    return fromBinary(desc.output, await method.answer(asBuffer(encoded), caller));
  }
}

function nameOf(desc: DescMethodUnary): string {
  return `${desc.parent.typeName}/${desc.name}`;
}
