/** The generated contract (`proto/sluice/v1`): messages, enums and services as protobuf-es describes them. */
export * from "./gen/sluice/v1/admin_pb.ts";
export * from "./gen/sluice/v1/distributor_pb.ts";
export * from "./gen/sluice/v1/task_pb.ts";
