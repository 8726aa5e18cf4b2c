/** Tells people once, not at every try, that a command waits for the node. */
import type { Logger } from "@sluice/client";
import { noNodeAt } from "./errors.ts";

/** A logger for the SDK that says a line when trouble begins, and a line when it is over. */
export function outageNotices(say: (line: string) => void, addresses: readonly string[]): Logger {
  let isWaiting = false;
  return {
    warn(fields, message) {
      if (isWaiting) return;
      isWaiting = true;
      const isAway = "code" in fields && fields.code === "UNAVAILABLE";
      say(isAway ? `waiting: ${noNodeAt(addresses)}` : `waiting: ${message}`);
    },
    info() {
      if (!isWaiting) return;
      isWaiting = false;
      say("the node answers again");
    },
  };
}
