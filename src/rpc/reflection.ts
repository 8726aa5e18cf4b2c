/**
 * Server reflection (v1 and v1alpha), so that tools like grpcurl need no proto files.
 */
import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { handleBidiStreamingCall, Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { service as healthService } from "grpc-health-check";
import { asBuffer } from "./wire/bytes.ts";

/** Adds reflection of these services and of health. */
export function addReflection(server: Server, services: readonly DescService[]): void {
  const files = new Set(services.flatMap((service) => [...withImports(service.file)]));
  const encoded = [...files].map((file) => asBuffer(toBinary(FileDescriptorProtoSchema, file.proto)));
  const health = Object.values(healthService).flatMap((method) => method.requestType.fileDescriptorProtos);
  const reflection = new ReflectionService({
    // Of a package definition as proto-loader makes it, reflection reads only the files.
    contract: { format: "Protocol Buffer 3 DescriptorProto", type: {}, fileDescriptorProtos: [...encoded, ...health] },
  });
  reflection.addToServer({
    addService: (definition, implementation) => {
      const handlers = Object.entries(implementation).map(([name, handler]) => [name, readingAtItsPace(handler)]);
      server.addService(definition, Object.fromEntries(handlers));
    },
  });
}

/** A file and what it imports, directly or not. */
function withImports(file: DescFile): Set<DescFile> {
  return new Set([file, ...file.dependencies.flatMap((dependency) => [...withImports(dependency)])]);
}

/** Stops reading requests while the caller does not read the answers; the package would pile them up. */
function readingAtItsPace(handler: object): handleBidiStreamingCall<unknown, unknown> {
  return (stream) => {
    if (typeof handler !== "function") throw new TypeError("a handler must be a function");
    Reflect.apply(handler, undefined, [stream]);
    stream.on("data", () => {
      if (stream.writableNeedDrain) stream.pause();
    });
    stream.on("drain", () => stream.resume());
  };
}
