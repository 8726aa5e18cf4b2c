/**
 * Habits of this code base that no linter knows, as rules with a replacement for what they forbid.
 *
 *  T1  No file or folder is named for being shared; it is named for what it does.
 *  T2  No notes to self: an open end is an issue, or it is finished.
 *  T3  Nothing refers to a machine: no absolute home or workspace path, no package registry's host.
 *  T4  The lock file names no download address, so that it installs through whatever registry the reader has, and locks
 *      the optional packages of every platform: npm ci refuses one that was made where some of them could not be had.
 *  T5  Every source file begins by saying what it is responsible for; a test is responsible for the file beside it.
 */

/** Files that are data to these rules, not text written by hand. */
const EXEMPT = /(^|\/)(LICENSE|.*\.(binpb|png|svg|tgz))$|^(clients\/typescript\/src|src\/rpc)\/gen\//;
const SHAPELESS_NAMES = new Set(["util", "utils", "common", "helper", "helpers", "misc", "shared"]);
const SOURCE_FILE =
  /^(src|bench|deploy|examples|scripts|test|clients\/typescript\/(src|examples))\/.*(?<!\.test)\.(ts|mjs)$/;

/** What no text may contain. The patterns are written so that they do not find themselves. */
const FORBIDDEN = [
  { pattern: /\b(?:TOD[O]|FIXM[E]|XX[X])\b/, advice: "finish it or file an issue" },
  {
    pattern: /(?<![\w.@})-])\/(?:home|Users|root|work(?:space)?)\/\w/,
    advice: "a path of one machine: use a relative path, or a temporary folder from the system",
  },
  {
    pattern: /\b(?:registry\.(?:npmjs|yarnpkg)|npm\.pkg\.github)\.\w/,
    advice: "a registry's host: leave it to the reader's npm configuration",
  },
];

/**
 * @param {string} path Path from the root of the project, with slashes.
 * @param {string} text Its text.
 * @returns {string[]} What is untidy; empty when nothing is.
 */
export function tidyProblems(path, text) {
  if (EXEMPT.test(path)) return [];
  const problems = nameProblems(path);
  if (path.endsWith("package-lock.json")) return [...problems, ...lockProblems(path, text)];
  if (SOURCE_FILE.test(path) && !/^(#!|\/\*|\/\/)/.test(text)) {
    problems.push(`${path}:1: begins without a comment; say what the file is responsible for`);
  }
  for (const [index, line] of text.split("\n").entries()) {
    for (const { pattern, advice } of FORBIDDEN) {
      const found = pattern.exec(line);
      if (found !== null) problems.push(`${path}:${index + 1}: "${found[0]}": ${advice}`);
    }
  }
  return problems;
}

/** @param {string} path */
function nameProblems(path) {
  return path
    .split("/")
    .map((part) => part.split(".")[0] ?? "")
    .filter((name) => SHAPELESS_NAMES.has(name))
    .map((name) => `${path}: "${name}" says nothing; name it for what it does`);
}

/**
 * @param {string} path
 * @param {string} text
 */
function lockProblems(path, text) {
  /** @type {Record<string, {resolved?: string, optionalDependencies?: Record<string, string>}>} */
  const locked = JSON.parse(text).packages;
  return Object.entries(locked).flatMap(([place, entry]) => {
    const problems = Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => !(`node_modules/${name}` in locked) && !(`${place}/node_modules/${name}` in locked))
      .map((name) => `${path}: ${name} is not locked; make the file where the packages of every platform can be had`);
    if (entry.resolved?.startsWith("http") === true) {
      problems.push(`${path}: ${place} has a download address; use npm install --omit-lockfile-registry-resolved`);
    }
    return problems;
  });
}
