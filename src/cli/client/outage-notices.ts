/** Tells people once, not at every try, that a command waits for the node. */
import type { Logger } from "@sluice/client";
import { printNotice, type Terminal } from "../terminal.ts";
import { noNodeAt } from "./errors.ts";

/** A logger for the SDK: a line when trouble begins, a line when it is over. */
export function outageNotices(terminal: Terminal, addresses: readonly string[]): Logger {
  let isWaiting = false;
  return {
    warn(fields, message) {
      if (isWaiting) return;
      isWaiting = true;
      const isAway = "code" in fields && fields.code === "UNAVAILABLE";
      printNotice(terminal, isAway ? `waiting: ${noNodeAt(addresses)}` : `waiting: ${message}`);
    },
    info() {
      if (!isWaiting) return;
      isWaiting = false;
      printNotice(terminal, "the node answers again");
    },
  };
}
