/**
 * Takes text apart into words and sentences.
 *
 * In time that grows with the length of the text, whatever is in it: a payload comes from whoever may submit. That is why
 * `Intl.Segmenter` is not used; in Node.js 20 its time grows with the square of the number of words, to half a minute for
 * 160 kB. The price is that scripts without spaces between words are taken apart poorly.
 */

/** A word with how often it occurs. */
export interface WordCount {
  readonly word: string;
  readonly count: number;
}

/** Letters and digits, joined by apostrophes and points, and by commas between digits: don't, e.g, 1,000.5. */
const WORD = /[\p{L}\p{M}\p{N}]+(?:(?:['’.]|(?<=\p{N}),(?=\p{N}))[\p{L}\p{M}\p{N}]+)*/gu;
const EMPTY_LINE = /\n[^\S\n]*\n/;
const ENDS = new Set([".", "!", "?", "…"]);
/** May stand between the end of a sentence and the space after it. */
const CLOSERS = new Set(['"', "'", "”", "’", "»", ")", "]"]);

/** The words in order, in lower case. Numbers are words, punctuation is none. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(WORD) ?? [];
}

/**
 * The sentences in order, with single spaces in them. One ends with a full stop or the like before a space, and at an empty
 * line. The full stop of an abbreviation ends one too early.
 */
export function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  let parts: string[] = [];
  let endedAt = 0;
  const finish = (): void => {
    const sentence = parts.join(" ");
    parts = [];
    if (/[\p{L}\p{N}]/u.test(sentence)) sentences.push(sentence);
  };
  for (const { 0: part, index } of text.matchAll(/\S+/g)) {
    if (EMPTY_LINE.test(text.slice(endedAt, index))) finish();
    parts.push(part);
    endedAt = index + part.length;
    if (endsSentence(part)) finish();
  }
  finish();
  return sentences;
}

function endsSentence(part: string): boolean {
  let last = part.length - 1;
  while (CLOSERS.has(part.charAt(last))) last -= 1;
  return ENDS.has(part.charAt(last));
}

/** How often each word occurs, in the order of first occurrence. */
export function countWords(words: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** The most frequent words; those that are as frequent as each other in alphabetical order. */
export function mostFrequent(counts: ReadonlyMap<string, number>, limit: number): WordCount[] {
  return [...counts]
    .map(([word, count]) => ({ word, count }))
    .sort((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1))
    .slice(0, limit);
}
