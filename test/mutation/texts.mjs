/**
 * What Stryker leaves alone in the files it mutates, because nothing is decided by it: words for people.
 *
 *  1. A text with a space in it. Codes, states, kinds and names of events never have one; messages always do.
 *  2. The level of a log entry and the fields beside its event. The event's name is mutated: alerts rely on it.
 */

/**
 * What is used here of a place in the syntax tree (`NodePath` of Babel).
 *
 * @typedef {object} Place
 * @property {SyntaxNode} node
 * @property {Place | null} parentPath
 * @property {string} [listKey] Name of the list in the parent that it is in.
 * @property {string | number | null} key Its index in that list.
 */

/**
 * @typedef {object} SyntaxNode
 * @property {string} type
 * @property {string} [value] StringLiteral.
 * @property {readonly {value: {raw: string}}[]} [quasis] TemplateLiteral: the texts between the expressions.
 * @property {SyntaxNode} [callee] CallExpression.
 * @property {SyntaxNode} [property] MemberExpression.
 * @property {string} [name] Identifier.
 */

/** @param {SyntaxNode} node */
function isWordsForPeople(node) {
  if (node.type === "StringLiteral") return node.value?.includes(" ") === true;
  return node.type === "TemplateLiteral" && node.quasis?.some((part) => part.value.raw.includes(" ")) === true;
}

/** @param {Place} place */
function isLogDetail({ listKey, key, parentPath }) {
  const callee = parentPath?.node.callee;
  if (listKey !== "arguments" || key === 1 || callee === undefined) return false;
  return (callee.property ?? callee).name === "log";
}

const texts = {
  /**
   * @param {Place} place
   * @returns {string | undefined} Why it is left alone.
   */
  shouldIgnore(place) {
    if (isWordsForPeople(place.node)) return "words for people";
    if (isLogDetail(place)) return "level or fields of a log entry";
    return undefined;
  },
};

/** A plugin as Stryker's `declareValuePlugin` would make it, without depending on the package that has that function. */
export const strykerPlugins = [{ kind: "Ignore", name: "texts", value: texts }];
