/**
 * The states of a session, as a table: docs/protocol.md draws the same.
 *
 *                 hello              drain                 finish
 *   OPENING ------------> ATTACHED ---------> DRAINING -----------------> GONE
 *      |                   |    |              |    |                      ^
 *      | break             |    +----break-----+----|----> DETACHED -------+
 *      +-------------------|--------------------->--|---->    expire, replace
 *                          v                        v
 *                         GONE                     GONE
 *                        finish, expire, replace (from OPENING too)
 *
 * An analyzer that returns for its leases and breaks again before the welcome is DETACHED again: it keeps them.
 */

/** Where a session is in its life. */
export type SessionState =
  /** The stream is open; its hello has not been answered. */
  | "OPENING"
  /** Takes part. */
  | "ATTACHED"
  /** Gets no more work, finishes what it holds. */
  | "DRAINING"
  /** The stream broke; its leases are kept for the resume grace. */
  | "DETACHED"
  /** Over. */
  | "GONE";

/** What can happen to a session. */
export type SessionEvent =
  /** Its hello was accepted. */
  | "hello"
  /** The node or an operator wants it to end. */
  | "drain"
  /** The analyzer ended its side in good order. */
  | "finish"
  /** The stream broke, or was ended because of an error. */
  | "break"
  /** Time is up: no hello or no frame in time, the deadline of a drain, the end of the resume grace. */
  | "expire"
  /** A newer session of the same analyzer takes over. */
  | "replace";

const MOVES: Readonly<Record<SessionState, Readonly<Partial<Record<SessionEvent, SessionState>>>>> = {
  OPENING: { hello: "ATTACHED", finish: "GONE", break: "DETACHED", expire: "GONE", replace: "GONE" },
  ATTACHED: { drain: "DRAINING", finish: "GONE", break: "DETACHED", expire: "GONE", replace: "GONE" },
  DRAINING: { finish: "GONE", break: "DETACHED", expire: "GONE", replace: "GONE" },
  DETACHED: { expire: "GONE", replace: "GONE" },
  GONE: {},
};

/** The state after an event. Throws a plain error for an event that cannot happen in this state. */
export function next(state: SessionState, event: SessionEvent): SessionState {
  const to = MOVES[state][event];
  if (to === undefined) throw new Error(`a session that is ${state} cannot ${event}`);
  return to;
}
