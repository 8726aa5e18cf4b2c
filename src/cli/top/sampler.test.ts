import { create } from "@bufbuild/protobuf";
import { SluiceClientError, type StatusName } from "@sluice/client";
import { type GetStatsResponse, GetStatsResponseSchema } from "@sluice/client/contract";
import { describe, expect, it } from "vitest";
import { Sampler } from "./sampler.ts";

const ANSWER = create(GetStatsResponseSchema, { node: { epoch: 1 } });
const SETTINGS = { addresses: ["a:1"], queue: undefined, patienceMs: 10_000 };

/** A node that answers as told, one call after the other. */
function node(...answers: (() => Promise<GetStatsResponse>)[]) {
  let calls = 0;
  return {
    get calls() {
      return calls;
    },
    stats(): Promise<GetStatsResponse> {
      calls += 1;
      return answers[calls - 1]?.() ?? Promise.resolve(ANSWER);
    },
  };
}

function refusal(code: StatusName) {
  return () => Promise.reject(new SluiceClientError(code, "no"));
}

describe("the sampler", () => {
  it("S1: shows that a node is away, and recovers", async () => {
    const sampler = new Sampler(node(refusal("UNAVAILABLE")), SETTINGS);
    expect(await sampler.look()).toMatchObject({ look: undefined, problem: "no node at a:1, trying again" });
    expect(await sampler.look()).toMatchObject({ look: { stats: ANSWER }, problem: undefined });
  });

  it("S1: keeps the last figures of a node that went away, and says how old they are", async () => {
    const sampler = new Sampler(
      node(() => Promise.resolve(ANSWER), refusal("UNAVAILABLE")),
      SETTINGS,
    );
    await sampler.look();
    const { look, earlier, problem } = await sampler.look();
    expect(look?.stats).toBe(ANSWER);
    expect(earlier).toBeUndefined();
    expect(problem).toMatch(/^no node at a:1, trying again; the figures are \d+ms old$/);
  });

  it("S2: does not ask a node again that has not answered yet", async () => {
    let answer = (_: GetStatsResponse): void => {};
    const hanging = new Promise<GetStatsResponse>((resolve) => {
      answer = resolve;
    });
    const source = node(() => hanging);
    const sampler = new Sampler(source, { ...SETTINGS, patienceMs: 1 });
    expect((await sampler.look()).problem).toMatch(/^no answer for \d+ms at a:1/);
    expect((await sampler.look()).problem).toMatch(/^no answer/);
    expect(source.calls).toBe(1);
    answer(ANSWER);
    await expect.poll(async () => (await sampler.look()).problem).toBeUndefined();
  });

  it("S3: fails when the node refuses", async () => {
    await expect(new Sampler(node(refusal("INVALID_ARGUMENT")), SETTINGS).look()).rejects.toThrow("no");
  });
});
