import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shareBar } from "./share-bar.ts";

describe("the bar of a share", () => {
  it.each([
    ["as expected", 0.4, 0.4, "#######|--"],
    ["too small", 0.2, 0.4, "####---|--"],
    ["too large", 0.5, 0.2, "###|######"],
    ["nothing", 0, 0, "|---------"],
  ])("shows a share that is %s", (_, observed, expected, bar) => {
    expect(shareBar(observed, expected, 0.5, 10)).toBe(bar);
  });

  it("has its width and one mark whatever the shares are", () => {
    const share = fc.double({ min: 0, max: 2, noNaN: true });
    fc.assert(
      fc.property(share, share, fc.integer({ min: 1, max: 60 }), (observed, expected, width) => {
        const bar = shareBar(observed, expected, 1, width);
        expect(bar).toMatch(/^#*\|?#*-*\|?-*$/);
        expect(bar).toHaveLength(width);
        expect(bar.split("|")).toHaveLength(2);
      }),
    );
  });
});
