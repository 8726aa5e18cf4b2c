/**
 * `externalscaler.ExternalScaler`: KEDA asks whether a queue has work and how many analyzers it wants.
 *
 * Kubernetes divides a metric by its target to get the number of replicas. The metric is the analyzers wanted with the
 * target 1, or, when the trigger says how many tasks one analyzer should have, the tasks with that target. Tasks that run
 * count in both, so nothing is scaled away under its work.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Distributor, ScalingFigures } from "../../engine/api.ts";
import { type ScalerTrigger, scalerTrigger } from "../convert/scaler-metadata.ts";
import {
  ExternalScaler,
  type GetMetricSpecResponseSchema,
  type ScaledObjectRef,
} from "../gen/externalscaler/externalscaler_pb.ts";
import { type AnswerSource, type AnswerStream, type Method, serverStream, unary } from "../method.ts";
import { invalid } from "../wire/checks.ts";

/** What the service needs of its server. */
export interface KedaParts {
  readonly distributor: Pick<Distributor, "scaling">;
}

/** How often a stream looks whether a queue has become active or idle. */
const ACTIVITY_CHECK_MS = 1000;
/** Names of the metrics. KEDA makes them unique per trigger. */
const METRIC_NAMES = { analyzersWanted: "sluice-analyzers-wanted", tasks: "sluice-tasks" } as const;

/** The methods. */
export function kedaMethods({ distributor }: KedaParts): Method[] {
  const { method } = ExternalScaler;
  const scaling = ({ queue, targetWaitMs }: ScalerTrigger) => distributor.scaling(queue, targetWaitMs);
  return [
    unary(method.isActive, async (object) => ({ result: isActive(await scaling(triggerOf(object))) })),
    unary(method.getMetricSpec, (object) => metricSpec(triggerOf(object))),
    unary(method.getMetrics, async ({ scaledObjectRef, metricName }) => {
      const trigger = triggerOf(scaledObjectRef);
      const name = METRIC_NAMES[trigger.metric];
      if (metricName !== name) throw invalid(`this trigger has no metric "${metricName}", only ${name}`);
      const value = metricValue(trigger, await scaling(trigger));
      return { metricValues: [{ metricName: name, metricValue: BigInt(value), metricValueFloat: value }] };
    }),
    serverStream(method.streamIsActive, (object, stream, encode) => {
      const trigger = triggerOf(object);
      const look = async () => isActive(await scaling(trigger));
      return streamChanges(stream, look, (result) => encode({ result }));
    }),
    serverStream(method.streamMetricSpec, (object, stream, encode) => {
      // The targets of a trigger never change: KEDA opens another stream when the ScaledObject does.
      stream.send(encode(metricSpec(triggerOf(object))));
      return { room: () => {}, closed: () => {} };
    }),
  ];
}

function triggerOf(object: ScaledObjectRef | undefined): ScalerTrigger {
  return scalerTrigger(object?.scalerMetadata ?? {});
}

function isActive({ waiting, running }: ScalingFigures): boolean {
  return waiting + running > 0;
}

function metricSpec(trigger: ScalerTrigger): MessageInitShape<typeof GetMetricSpecResponseSchema> {
  const target = trigger.metric === "tasks" ? trigger.targetPerAnalyzer : 1;
  const metricName = METRIC_NAMES[trigger.metric];
  // The whole number is for older KEDA, which would divide by 0.
  return {
    metricSpecs: [{ metricName, targetSize: BigInt(Math.max(1, Math.round(target))), targetSizeFloat: target }],
  };
}

function metricValue(trigger: ScalerTrigger, { analyzersWanted, waiting, running }: ScalingFigures): number {
  return trigger.metric === "tasks" ? waiting + running : analyzersWanted;
}

/** Sends what is so at once, and whenever it has changed, until the stream is over. */
function streamChanges(
  stream: AnswerStream,
  look: () => Promise<boolean>,
  encode: (value: boolean) => Buffer,
): AnswerSource {
  const over = new AbortController();
  void sendChanges(stream, look, encode, over.signal);
  return { room: () => {}, closed: () => over.abort() };
}

async function sendChanges(
  stream: AnswerStream,
  look: () => Promise<boolean>,
  encode: (value: boolean) => Buffer,
  signal: AbortSignal,
): Promise<void> {
  let sent: boolean | undefined;
  try {
    while (!signal.aborted) {
      const value = await look();
      // Who does not read misses changes in between; none are queued.
      if (value !== sent && !stream.isFull) {
        stream.send(encode(value));
        sent = value;
      }
      await delay(ACTIVITY_CHECK_MS, undefined, { signal });
    }
  } catch (error) {
    // The end of the delay at the end of the stream comes here too: ending what is over does nothing.
    stream.end(error);
  }
}
