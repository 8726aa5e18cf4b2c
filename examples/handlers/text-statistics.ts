/**
 * `text-statistics`: counts what is in a text.
 *
 * Payload: text, or JSON `{"text": "..."}`.
 */
import type { Handler } from "@sluice/client";
import { z } from "zod";
import { readTextPayload } from "./payload.ts";
import { countWords, mostFrequent, sentencesOf, type WordCount, wordsOf } from "./words.ts";

/** What is counted. */
export interface TextStatistics {
  /** Unicode code points. */
  readonly characters: number;
  readonly words: number;
  readonly distinctWords: number;
  /** A line break at the end begins no further line. */
  readonly lines: number;
  readonly sentences: number;
  /** In code points, rounded to two decimals; 0 without words. */
  readonly averageWordLength: number;
  /** The ten most frequent words. */
  readonly mostFrequentWords: readonly WordCount[];
}

const FREQUENT_WORDS = 10;
const PAYLOAD = z.strictObject({ text: z.string() });
const EXPECTED = 'text, or JSON like {"text": "some text"}';

/** The statistics of a text. */
export function statisticsOf(text: string): TextStatistics {
  const words = wordsOf(text);
  const counts = countWords(words);
  const letters = words.reduce((sum, word) => sum + codePoints(word), 0);
  return {
    characters: codePoints(text),
    words: words.length,
    distinctWords: counts.size,
    lines: countLines(text),
    sentences: sentencesOf(text).length,
    averageWordLength: words.length === 0 ? 0 : Math.round((letters / words.length) * 100) / 100,
    mostFrequentWords: mostFrequent(counts, FREQUENT_WORDS),
  };
}

/** See the top of the file. */
export const textStatistics: Handler = (task): TextStatistics => statisticsOf(readTextPayload(task, PAYLOAD, EXPECTED));

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function countLines(text: string): number {
  if (text === "") return 0;
  const breaks = text.match(/\r\n|\n|\r/g)?.length ?? 0;
  return /[\r\n]$/.test(text) ? breaks : breaks + 1;
}
