/**
 * Keeps web pages of strangers from driving the node through the browser of somebody who can reach it.
 *
 *  W1  A name that an attacker can point at the node (DNS rebinding) is refused: addresses, names without a dot, names under
 *      endings that nobody can register (localhost, local, internal, home.arpa) and the hosts of allowed origins pass.
 *  W2  A page of another origin is refused, whatever the method, unless its origin is allowed (cross-site request forgery).
 *      Links from anywhere may be followed: a navigation changes nothing, because only POST and DELETE do.
 *  W3  Programs that are no browsers send neither Origin nor Sec-Fetch-Site and pass.
 */
import { isIP } from "node:net";

/** What a request says of where it comes from and goes to. */
export interface Provenance {
  /** The Host header or `:authority`: a name or address, perhaps with a port. */
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`, which browsers set and pages cannot. */
  readonly fetchSite: string | undefined;
  /** `Sec-Fetch-Mode`. */
  readonly fetchMode: string | undefined;
}

const PRIVATE_ENDINGS = [".localhost", ".local", ".internal", ".home.arpa"];

/** The rules for one node. */
export class Guard {
  readonly #origins: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;

  /** @param allowedOrigins such as https://ops.example.com, as browsers write them */
  constructor(allowedOrigins: readonly string[]) {
    this.#origins = new Set(allowedOrigins);
    this.#hosts = new Set(allowedOrigins.map((origin) => new URL(origin).hostname));
  }

  /** Whether pages of this origin were allowed by name. */
  allows(origin: string | undefined): origin is string {
    return origin !== undefined && this.#origins.has(origin);
  }

  /** Why the request is refused, with what to do; undefined when it is not. */
  refusal({ host, origin, fetchSite, fetchMode }: Provenance): string | undefined {
    if (host === undefined) return "the request names no host: send a Host header";
    if (!this.#isOurs(hostname(host))) {
      return `this node does not answer to the name ${host}: add http://${host} to httpAllowedOrigins, or use its address`;
    }
    if (origin !== undefined) {
      if (this.#origins.has(origin) || isSameOrigin(origin, host)) return undefined;
      return `pages of ${origin} may not call this node: add ${origin} to httpAllowedOrigins`;
    }
    const isForeign = fetchSite === "cross-site" || fetchSite === "same-site";
    if (isForeign && fetchMode !== "navigate") return "pages of another site may not call this node";
    return undefined;
  }

  #isOurs(name: string): boolean {
    if (name === "") return false;
    if (isIP(name) !== 0 || !name.includes(".") || this.#hosts.has(name)) return true;
    return PRIVATE_ENDINGS.some((ending) => name.endsWith(ending));
  }
}

/** The name or address in a Host header: in lower case, without port, brackets and a dot at its end. */
function hostname(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(host)?.[1];
  const name = bracketed ?? host.replace(/:\d*$/, "");
  return name.toLowerCase().replace(/\.$/, "");
}

/** A page that the node itself has served. Behind a proxy the scheme may differ, the host does not. */
function isSameOrigin(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

/** An origin as browsers write it; undefined for what is none. */
export function normalOrigin(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { origin, protocol, pathname, search, hash, username } = new URL(text);
  const isBare = pathname === "/" && search === "" && hash === "" && username === "";
  return isBare && (protocol === "http:" || protocol === "https:") ? origin : undefined;
}
