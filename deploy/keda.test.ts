/** The example for KEDA asks for what a node answers. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { scalerTrigger } from "../src/rpc/convert/scaler-metadata.ts";

const scaledObject = z.object({
  kind: z.literal("ScaledObject"),
  spec: z.object({
    scaleTargetRef: z.object({ name: z.string() }),
    triggers: z.array(
      z.object({ type: z.enum(["external", "external-push"]), metadata: z.record(z.string(), z.string()) }),
    ),
  }),
});
const deployment = z.object({ kind: z.literal("Deployment"), metadata: z.object({ name: z.string() }) });

test("the ScaledObject scales the Deployment by a trigger that a node understands", () => {
  const text = readFileSync(new URL("keda/scaled-object.yaml", import.meta.url), "utf8");
  const [first, second] = parseAllDocuments(text).map((document) => document.toJS());
  const { spec } = scaledObject.parse(second);
  expect(spec.scaleTargetRef.name).toBe(deployment.parse(first).metadata.name);
  expect(spec.triggers.map(({ metadata }) => scalerTrigger(metadata))).toEqual([
    { queue: "mail", metric: "analyzersWanted", targetWaitMs: 10_000 },
  ]);
});
