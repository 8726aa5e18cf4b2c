/** The built files that run as processes of their own. */
import { fileURLToPath } from "node:url";

/** Paths of programs. */
export interface Programs {
  /** The command line. */
  readonly sluice: string;
  /** What is loaded into the node, to look at its memory. */
  readonly preload: string;
  readonly prober: string;
}

/** The programs in a build. `dist` is the URL of its folder. */
export function programsIn(dist: URL): Programs {
  const path = (name: string): string => fileURLToPath(new URL(name, dist));
  return {
    sluice: path("src/cli/main.js"),
    preload: path("test/abuse/gc-on-signal.js"),
    prober: path("test/abuse/prober.js"),
  };
}
