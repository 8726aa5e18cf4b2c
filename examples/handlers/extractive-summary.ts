/**
 * `extractive-summary`: keeps the sentences of a text that say most, in their original order.
 *
 * Payload: text, or JSON `{"text": "...", "sentences": 3}`.
 *
 * The algorithm is that of H. P. Luhn, "The Automatic Creation of Literature Abstracts", IBM Journal of Research and
 * Development 2(2), 1958: words that are frequent but not function words are significant; a sentence is worth as much as
 * its best cluster of significant words, (significant words)² / (words in the cluster). Unlike Luhn, words count as the
 * same only when they are spelled the same. The function words are English.
 */
import type { Handler } from "@sluice/client";
import { z } from "zod";
import { isJson, readJson, readText } from "./payload.ts";
import { countWords, sentencesOf, wordsOf } from "./words.ts";

/** A sentence that was kept. */
export interface KeptSentence {
  /** Its place in the text, from 0. */
  readonly index: number;
  readonly score: number;
  readonly text: string;
}

/** What the handler returns. */
export interface Summary {
  /** The kept sentences, joined. */
  readonly summary: string;
  readonly kept: readonly KeptSentence[];
  /** Sentences in the whole text. */
  readonly sentences: number;
}

const DEFAULT_SENTENCES = 3;
const MAX_SENTENCES = 100;
/** Luhn: more insignificant words than this between two significant ones, and they are not related. */
const MAX_GAP_WORDS = 4;
/** A word that occurs less often says little about a text. */
const MIN_OCCURRENCES = 2;

const FUNCTION_WORDS = new Set(
  `a about above after again against all also am an and any are as at be because been before being below between both but
  by can could did do does doing down during each few for from further had has have having he her here hers him his how i
  if in into is it its itself just may me might more most must my no nor not of off on once only or other our ours out
  over own same she should so some such than that the their theirs them then there these they this those through to too
  under until up very was we were what when where which while who whom why will with would you your yours`.split(/\s+/),
);

const PAYLOAD = z.strictObject({
  text: z.string(),
  sentences: z.int().min(1).max(MAX_SENTENCES).default(DEFAULT_SENTENCES),
});
const EXPECTED = `text, or JSON like {"text": "some text", "sentences": 3} with 1 to ${MAX_SENTENCES} sentences`;

/** The summary of a text in at most `keep` sentences. */
export function summarise(text: string, keep: number): Summary {
  const sentences = sentencesOf(text);
  const words = sentences.map(wordsOf);
  const significant = significantWords(words.flat());
  const kept = sentences
    .map((sentence, index) => ({ index, score: scoreOf(words[index] ?? [], significant), text: sentence }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, keep)
    .sort((a, b) => a.index - b.index);
  return { summary: kept.map((sentence) => sentence.text).join(" "), kept, sentences: sentences.length };
}

/** See the top of the file. */
export const extractiveSummary: Handler = (task): Summary => {
  if (!isJson(task)) return summarise(readText(task), DEFAULT_SENTENCES);
  const { text, sentences } = readJson(task, PAYLOAD, EXPECTED);
  return summarise(text, sentences);
};

function significantWords(words: readonly string[]): Set<string> {
  const counts = countWords(words.filter((word) => !FUNCTION_WORDS.has(word)));
  const frequent = [...counts].filter(([, count]) => count >= MIN_OCCURRENCES).map(([word]) => word);
  // In a short text nothing is repeated; then every word but the function words counts.
  return new Set(frequent.length > 0 ? frequent : counts.keys());
}

/** The score of the best cluster, rounded to three decimals; 0 without a significant word. */
function scoreOf(words: readonly string[], significant: ReadonlySet<string>): number {
  let best = 0;
  let first = 0;
  let last = -1;
  let inCluster = 0;
  for (const [index, word] of words.entries()) {
    if (!significant.has(word)) continue;
    if (inCluster > 0 && index - last > MAX_GAP_WORDS + 1) {
      best = Math.max(best, clusterScore(inCluster, first, last));
      inCluster = 0;
    }
    if (inCluster === 0) first = index;
    last = index;
    inCluster += 1;
  }
  return Math.round(1000 * Math.max(best, clusterScore(inCluster, first, last))) / 1000;
}

function clusterScore(significant: number, first: number, last: number): number {
  return significant === 0 ? 0 : significant ** 2 / (last - first + 1);
}
