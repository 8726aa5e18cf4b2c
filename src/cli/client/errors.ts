/** Turns what the SDK throws into messages that say what to do. */
import { SluiceClientError } from "@sluice/client";
import { CommandError } from "../exit.ts";

/** Awaits a call to the node; its expected errors become CommandErrors. */
export async function answered<Answer>(call: Promise<Answer>, addresses: readonly string[]): Promise<Answer> {
  try {
    return await call;
  } catch (error) {
    throw asCommandError(error, addresses);
  }
}

/** The error as the user should read it; one that nobody expected is left as it is. */
export function asCommandError(error: unknown, addresses: readonly string[]): unknown {
  if (!(error instanceof SluiceClientError)) return error;
  if (error.code === "UNAVAILABLE") return new CommandError(noNodeAt(addresses));
  if (error.code === "DEADLINE_EXCEEDED") return new CommandError(`no answer from ${addresses.join(" or ")} in time`);
  if (error.code === "UNIMPLEMENTED") {
    return new CommandError(`what answers at ${addresses.join(" or ")} is no Sluice node, or one of another version`);
  }
  return new CommandError(`${error.message} (${error.code})`);
}

/** Says that nobody answers. */
export function noNodeAt(addresses: readonly string[]): string {
  return `no node at ${addresses.join(" or ")}; start one with 'sluice serve', or name another with --address`;
}
