import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { extractiveSummary, summarise } from "./extractive-summary.ts";
import { failureOf, runHandler } from "./testing/run-handler.ts";

const TEXT = `The lease protects a task. A lease that expires frees the task for another worker. My aunt likes tea.
It rained on Monday. When the worker returns a result with an old lease, the result is stale and the task is not touched.`;

describe("an extractive summary", () => {
  it("keeps the sentences that say most, in the order of the text", async () => {
    expect(await runHandler(extractiveSummary, { text: TEXT, sentences: 2 })).toMatchObject({
      summary:
        "The lease protects a task. When the worker returns a result with an old lease, the result is stale and the task " +
        "is not touched.",
      // lease ... task: 2 of 4 words; worker ... result ... lease ... result ... task: 5 of 15.
      kept: [
        { index: 0, score: 1 },
        { index: 4, score: 1.667 },
      ],
      sentences: 5,
    });
  });

  it("keeps three sentences unless told otherwise", async () => {
    const { kept } = summarise(TEXT, 3);
    expect(await runHandler(extractiveSummary, TEXT)).toMatchObject({ kept });
    expect(kept.map(({ index }) => index)).toEqual([0, 1, 4]);
  });

  it("scores a sentence by its densest cluster of significant words, as Luhn does", () => {
    // "alpha" and "beta" are significant; five other words between them make two clusters of one word each.
    const text = "Alpha beta. Alpha one two three four beta. Alpha one2 two2 three2 four2 five2 beta.";
    expect(summarise(text, 3).kept.map(({ score }) => score)).toEqual([2, 0.667, 1]);
  });

  it("goes by all but function words when nothing is repeated", () => {
    expect(summarise("It is what it is. Copper conducts electricity.", 1).summary).toBe("Copper conducts electricity.");
  });

  it("takes the earlier of sentences that are worth the same", () => {
    expect(summarise("Red apples. Green apples. Blue apples.", 1).kept[0]?.index).toBe(0);
  });

  it("of nothing is nothing", () => {
    expect(summarise(" \n ... ", 3)).toEqual({ summary: "", kept: [], sentences: 0 });
  });

  it("never keeps more than asked for, and keeps the order of the text", () => {
    const sentence = fc.array(fc.constantFrom("task", "lease", "the", "of", "tea", "x1"), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.array(sentence, { maxLength: 12 }), fc.integer({ min: 1, max: 6 }), (sentences, keep) => {
        const { kept, sentences: count } = summarise(sentences.map((words) => `Z ${words.join(" ")}.`).join(" "), keep);
        expect(count).toBe(sentences.length);
        expect(kept).toHaveLength(Math.min(keep, sentences.length));
        expect(kept.map(({ index }) => index)).toEqual(kept.map(({ index }) => index).sort((a, b) => a - b));
      }),
    );
  });

  it.each([[{ text: TEXT, sentences: 0 }], [{ text: TEXT, sentences: 101 }], [{ sentences: 3 }]])(
    "refuses %j for good",
    async (payload) => {
      const error = await failureOf(extractiveSummary, payload);
      expect(error).toMatchObject({ code: "INVALID_PAYLOAD", nonRetryable: true });
      expect(error.message).toMatch(/"sentences": 3} with 1 to 100 sentences: (sentences|text): /);
    },
  );
});
