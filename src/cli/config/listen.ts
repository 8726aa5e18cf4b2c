/** Where the HTTP port listens and whose pages it serves, as configuration texts. */
import { normalOrigin } from "../../http/guard.ts";

/** Switches the HTTP port off. */
export const OFF = "off";
/** No origin but the node's own. */
export const NONE = "none";

/** An address to listen on. */
export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/;
const MAX_PORT = 65_535;

/** The address in HOST:PORT or [IPV6]:PORT; undefined for anything else, `off` included. */
export function parseListen(text: string): ListenAddress | undefined {
  const [, bracketed, plain, digits] = ADDRESS.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host === undefined || port > MAX_PORT ? undefined : { host, port };
}

/** The origins in a list with commas; undefined when one of them is none. */
export function parseOrigins(text: string): readonly string[] | undefined {
  if (text === NONE) return [];
  const origins = text.split(",").map((part) => normalOrigin(part.trim()));
  const valid = origins.filter((origin) => origin !== undefined);
  return valid.length === origins.length ? valid : undefined;
}
