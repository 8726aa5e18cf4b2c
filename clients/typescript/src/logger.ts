/**
 * Where the SDK writes what an operator should know. Fits a pino logger as it is.
 */

/** Takes fields and a message. Nothing is logged without one. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
