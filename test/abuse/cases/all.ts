/** Every abuse, the harmless first. */
import type { Abuse } from "../abuse.ts";
import { CONNECTION_ABUSES } from "./connections.ts";
import { FRAME_ABUSES } from "./frames.ts";
import { MESSAGE_ABUSES } from "./messages.ts";
import { READER_ABUSES } from "./readers.ts";
import { STREAM_ABUSES } from "./streams.ts";

export const ABUSES: readonly Abuse[] = [
  ...MESSAGE_ABUSES,
  ...FRAME_ABUSES,
  ...STREAM_ABUSES,
  ...CONNECTION_ABUSES,
  ...READER_ABUSES,
];
