/** Runs one operator's call against the node that the options name. */
import { Admin } from "@sluice/client";
import type { Terminal } from "../terminal.ts";
import { type AddressOptions, nodeAddresses } from "./address.ts";
import { answered } from "./errors.ts";

/** Connects, runs `use`, disconnects. The node's expected errors become CommandErrors. */
export async function withAdmin<Result>(
  options: AddressOptions,
  terminal: Terminal,
  use: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const addresses = nodeAddresses(options, terminal);
  await using admin = new Admin({ address: addresses });
  return await answered(use(admin), addresses);
}
