/**
 * The services of a node with their methods: the one place that both adapters, gRPC and HTTP, take them from.
 */
import type { DescService } from "@bufbuild/protobuf";
import { AdminService, DistributorService, TaskService } from "@sluice/client/contract";
import { v7 as newId } from "uuid";
import type { Distributor } from "../../engine/api.ts";
import type { RpcLimits } from "../limits.ts";
import type { Method } from "../method.ts";
import type { RpcLogger } from "../status.ts";
import { adminMethods } from "./admin-service.ts";
import { distributorMethods } from "./distributor-service.ts";
import { taskMethods } from "./task-service.ts";

/** What the services need. */
export interface ServiceParts {
  readonly distributor: Distributor;
  readonly limits: RpcLimits;
  readonly logger: RpcLogger;
  /** Called when an operator asks for a drain by RPC: do what SIGTERM does. */
  drain(): void;
}

/** A service with what answers its methods. */
export interface ServedService {
  readonly desc: DescService;
  readonly methods: readonly Method[];
}

/** The services of the contract. */
export function nodeServices({ distributor, limits, logger, drain }: ServiceParts): readonly ServedService[] {
  const taskContext = () => ({ nowMs: Date.now(), newId, maxPayloadBytes: limits.maxPayloadBytes });
  return [
    { desc: DistributorService, methods: distributorMethods({ distributor, taskContext }) },
    { desc: TaskService, methods: taskMethods({ distributor, logger }) },
    { desc: AdminService, methods: adminMethods({ distributor, logger, drain }) },
  ];
}
