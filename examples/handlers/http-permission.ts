/**
 * Where `http-request` may go.
 */

const EVERYWHERE = "*";
const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/** Host and port of a URL, as they stand in a list of allowed addresses. */
export function addressOf(url: URL): string {
  return `${url.hostname}:${url.port === "" ? (DEFAULT_PORTS[url.protocol] ?? "") : url.port}`;
}

/**
 * Reads a list of allowed addresses: host:port, separated by commas, or `*`. A host is compared by its name, as written:
 * who allows a name trusts whoever decides what it resolves to.
 */
export function allowedAddresses(list: string): (address: string) => boolean {
  const allowed = new Set(list.split(",").map((entry) => entry.trim().toLowerCase()));
  return (address) => allowed.has(EVERYWHERE) || allowed.has(address);
}
