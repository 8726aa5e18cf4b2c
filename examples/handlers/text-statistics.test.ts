import { describe, expect, it } from "vitest";
import { failureOf, runHandler } from "./testing/run-handler.ts";
import { statisticsOf, textStatistics } from "./text-statistics.ts";

describe("text statistics", () => {
  it("count what is in a text", async () => {
    const text = "The cat sat. The dog didn't!\nWhy? 3.5 cats saw.\n";
    expect(await runHandler(textStatistics, text)).toEqual({
      characters: text.length,
      words: 10,
      distinctWords: 9,
      lines: 2,
      sentences: 4,
      averageWordLength: 3.4,
      mostFrequentWords: [
        { word: "the", count: 2 },
        ...["3.5", "cat", "cats", "didn't", "dog", "sat", "saw", "why"].map((word) => ({ word, count: 1 })),
      ],
    });
  });

  it("are the same for a text in JSON", async () => {
    const text = "One two. Two.";
    expect(await runHandler(textStatistics, { text })).toEqual(await runHandler(textStatistics, text));
  });

  it("of nothing are zeros", () => {
    expect(statisticsOf("")).toEqual({
      characters: 0,
      words: 0,
      distinctWords: 0,
      lines: 0,
      sentences: 0,
      averageWordLength: 0,
      mostFrequentWords: [],
    });
  });

  it("count what people see as characters beyond the basic plane once", () => {
    expect(statisticsOf("Grüße 𝒜😀")).toMatchObject({ characters: 8, lines: 1 });
  });

  it.each([
    ["one", 1],
    ["one\n", 1],
    ["one\r\ntwo", 2],
    ["\n", 1],
    ["one\n\nthree", 3],
  ])("count lines: %j has %i", (text, lines) => {
    expect(statisticsOf(text).lines).toBe(lines);
  });

  it("name the ten most frequent words at most", () => {
    const words = Array.from({ length: 30 }, (_, index) => `w${index}`);
    const { mostFrequentWords } = statisticsOf([...words, "w29"].join(" "));
    expect(mostFrequentWords).toHaveLength(10);
    expect(mostFrequentWords[0]).toEqual({ word: "w29", count: 2 });
  });

  it.each([[{ txt: "x" }], [{ text: 7 }], [["x"]], [Uint8Array.of(0xff, 0xfe)]])(
    "refuse %j for good",
    async (payload) => {
      const error = await failureOf(textStatistics, payload);
      expect(error).toMatchObject({ code: "INVALID_PAYLOAD", nonRetryable: true });
      expect(error.message).toMatch(/^expected .*text/);
    },
  );
});
