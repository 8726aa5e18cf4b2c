import { describe, expect, it } from "vitest";
import { didYouMean, nearestName } from "./nearest.ts";

const KNOWN = ["port", "host", "dataDir", "leaseMs", "resumeGraceMs"];

describe("the nearest name", () => {
  it.each([
    ["prot", "port"],
    ["dtaadir", "dataDir"],
    ["leaseMS", "leaseMs"],
    ["resumeGraceM", "resumeGraceMs"],
  ])("of %j is %j", (typed, meant) => {
    expect(nearestName(typed, KNOWN)).toBe(meant);
  });

  it("is none for a name that resembles nothing", () => {
    expect(nearestName("colour", KNOWN)).toBeUndefined();
    expect(didYouMean("colour", KNOWN)).toBe("");
  });

  it("ends a message as a question", () => {
    expect(didYouMean("prot", KNOWN)).toBe("; did you mean 'port'?");
  });
});
