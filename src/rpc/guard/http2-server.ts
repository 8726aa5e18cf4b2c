/**
 * Reaches the HTTP/2 server that grpc-js makes for itself and does not hand out: without it, nobody can look at pings, settings
 * and streams. The one place that knows an internal of grpc-js; it fails at the start, not later, when that has moved.
 */
import { EventEmitter } from "node:events";
import type { Http2Server } from "node:http2";
import type { Server } from "@grpc/grpc-js";

/** The HTTP/2 server behind the connection injector that was made last. */
export function http2ServerOf(server: Server): Http2Server {
  const servers: unknown = server["http2Servers"];
  const last: unknown = servers instanceof Map ? [...servers.keys()].at(-1) : undefined;
  if (!isHttp2Server(last)) {
    throw new Error(
      "this version of @grpc/grpc-js keeps its HTTP/2 server elsewhere: use the one in package-lock.json",
    );
  }
  return last;
}

function isHttp2Server(value: unknown): value is Http2Server {
  return value instanceof EventEmitter && "updateSettings" in value;
}
