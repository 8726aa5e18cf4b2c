import { describe, expect, it } from "vitest";
import { countWords, mostFrequent, sentencesOf, wordsOf } from "./words.ts";

describe("words", () => {
  it("are told apart in any script, without punctuation", () => {
    expect(wordsOf("Don't panic: naïve CAFÉ,1,000.5 — привет/e.g. ok?")).toEqual([
      "don't",
      "panic",
      "naïve",
      "café",
      "1,000.5",
      "привет",
      "e.g",
      "ok",
    ]);
  });

  it("are counted, the most frequent first and ties by the alphabet", () => {
    const counts = countWords(["b", "a", "c", "b", "a", "d"]);
    expect(mostFrequent(counts, 3)).toEqual([
      { word: "a", count: 2 },
      { word: "b", count: 2 },
      { word: "c", count: 1 },
    ]);
  });
});

describe("sentences", () => {
  it("go over line breaks and end at empty lines", () => {
    expect(sentencesOf("A heading\n\nOne sentence\nin two lines. Another!  \n\n...\n")).toEqual([
      "A heading",
      "One sentence in two lines.",
      "Another!",
    ]);
  });

  it("may end in quotes and brackets", () => {
    expect(sentencesOf('He said "stop!" (Twice.) Pi is 3.14 exactly… not')).toEqual([
      'He said "stop!"',
      "(Twice.)",
      "Pi is 3.14 exactly…",
      "not",
    ]);
  });
});

describe("a text of the largest size", () => {
  const BYTES = 1_048_576;
  const beginnings = ["a", "a. ", "a b ", "a,b-", "1,", "a'", ".", ".)", "\n", " \n", "\r\n\t", "é'."];
  it.each(beginnings)("is taken apart in reasonable time when it is made of %j", (text) => {
    const whole = text.repeat(BYTES / text.length);
    const startMs = performance.now();
    wordsOf(whole);
    sentencesOf(whole);
    // Far less on an idle machine; with the square of the length it would be minutes.
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });
});
