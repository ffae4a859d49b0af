/** Reads JSON that a person wrote, and lists its problems, each with its place. */
import {
  createScanner,
  findNodeAtLocation,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { z } from 'zod';
import type { Problem } from '#shared/errors.ts';
import { wantedWords } from '#shared/model/config-words.ts';

type Issue = z.core.$ZodIssue;
export type Locate = (offset: number, message: string, severity?: Problem['severity']) => Problem;

export interface JsonText {
  /** The parsed tree, also of a text with errors; null for an empty text. */
  readonly root: Node | null;
  /** False when it is not JSON. */
  readonly isJson: boolean;
  /** Syntax errors and duplicate keys. */
  readonly problems: readonly Problem[];
  readonly locate: Locate;
}

/** More than any configuration has; the parser and all later code recurse for each level. */
const maxNesting = 64;
/** More than a person reads. */
const maxProblems = 100;
/** The part of a line that is shown beside a problem; a file may be one long line. */
const maxLineTextLength = 200;
/** The part of a key that is quoted in a message. A key may be as long as the file. */
const maxKeyLength = 60;

/** Comments and trailing commas are fine: editors accept them in such files. */
const parseOptions = { allowTrailingComma: true, disallowComments: false };

/** The JSON in `text`. `file` is its name in the problems. */
export function readJsonText(text: string, file: string): JsonText {
  const locate = locator(text, file);
  const deepAt = findDeepNesting(text);
  if (deepAt !== null) {
    const words = `The file is nested more than ${maxNesting} levels deep here.`;
    return { root: null, isJson: false, problems: [locate(deepAt, words)], locate };
  }
  const errors: ParseError[] = [];
  const root = parseTree(text.replace(/^\uFEFF/, ' '), errors, parseOptions) ?? null;
  if (errors.length > 0 || root === null) {
    const shown = errors.slice(0, maxProblems);
    const problems = shown.map((error) => locate(error.offset, explainSyntax(printParseErrorCode(error.error))));
    return {
      root,
      isJson: false,
      problems: problems.length > 0 ? problems : [locate(0, 'The file is empty.')],
      locate,
    };
  }
  const problems = duplicateKeys(root)
    .slice(0, maxProblems)
    .map((node) =>
      locate(node.offset, `"${shortened(node.value)}" is there twice; only the last one counts. Remove one.`),
    );
  return { root, isJson: true, problems, locate };
}

/** Problems in the order of their places. */
export const sortProblems = (problems: readonly Problem[]): Problem[] =>
  [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));

/** The issues of a schema as problems, each at its place in the text. `schema` reported them. */
export function explainIssues(issues: readonly Issue[], root: Node, locate: Locate, schema: z.ZodType): Problem[] {
  const problems: Problem[] = [];
  for (const issue of issues) {
    problems.push(...explainIssue(issue, root, locate, schema));
    if (problems.length > maxProblems) break;
  }
  return problems.length <= maxProblems ? problems : [...problems.slice(0, maxProblems), andMore(root, locate)];
}

const andMore = (root: Node, locate: Locate) =>
  locate(root.offset, `There is more wrong with this file: the first ${maxProblems} problems are listed.`);

/** The place where a text is nested too deep for a configuration, or null. Does not recurse, unlike a parser. */
function findDeepNesting(text: string): number | null {
  const scanner = createScanner(text, true);
  let depth = 0;
  while (scanner.scan() !== endOfFile) {
    const token = text[scanner.getTokenOffset()];
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
    if (depth > maxNesting) return scanner.getTokenOffset();
  }
  return null;
}

/** The parser's own number: its names exist for its compiler only. */
const endOfFile = 17;

function locator(text: string, file: string): Locate {
  let lines: string[] | null = null;
  return (offset, message, severity = 'error') => {
    lines ??= text.split('\n');
    const { line, column } = placeOf(text, offset);
    return { severity, message, file, line, column, ...shownLine(lines[line - 1] ?? '', column) };
  };
}

function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let lineStart = 0;
  for (let end = text.indexOf('\n'); end !== -1 && end < offset; end = text.indexOf('\n', end + 1)) {
    line += 1;
    lineStart = end + 1;
  }
  return { line, column: offset - lineStart + 1 };
}

/** The displayed part of a line: its beginning, unless the place is further on. */
function shownLine(whole: string, column: number): { readonly lineText?: string } {
  const line = whole.replace(/\r$/, '');
  if (line.length <= maxLineTextLength) return { lineText: line };
  return column < maxLineTextLength ? { lineText: `${line.slice(0, maxLineTextLength)}…` } : {};
}

const syntaxWords: Readonly<Record<string, string>> = {
  InvalidSymbol: 'This is not a JSON value: text needs double quotes.',
  InvalidNumberFormat: 'This is not a number.',
  PropertyNameExpected: 'A name in double quotes is missing here.',
  ValueExpected: 'A value is missing here.',
  ColonExpected: 'A colon is missing here.',
  CommaExpected: 'A comma is missing before this.',
  CloseBraceExpected: 'A closing brace } is missing.',
  CloseBracketExpected: 'A closing bracket ] is missing.',
  EndOfFileExpected: 'Nothing may follow the closing brace.',
  UnexpectedEndOfComment: 'This comment has no end.',
  UnexpectedEndOfString: 'This text has no closing quote.',
  UnexpectedEndOfNumber: 'This number is not complete.',
  InvalidUnicode: 'This \\u escape needs four hexadecimal digits.',
  InvalidEscapeCharacter: 'JSON knows no such escape.',
  InvalidCharacter: 'This character must be escaped.',
};
const explainSyntax = (code: string) => syntaxWords[code] ?? 'This is not JSON.';

function explainIssue(issue: Issue, root: Node, locate: Locate, schema: z.ZodType): Problem[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  const node = findNodeAtLocation(root, path);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path);
    return issue.keys.slice(0, maxProblems + 1).map((key) => {
      const near = nearestKey(key, known);
      const elsewhere = placeOfKey(schema, key, path);
      const advice = elsewhere ?? (near === undefined ? `Known are ${known.join(', ')}.` : `Did you mean "${near}"?`);
      return locate(keyOffset(node ?? root, key), `Unknown key "${shortened(key)}". ${advice}`);
    });
  }
  if (node === undefined) {
    const missing = path.length === 0 ? 'This' : `"${namePath(path)}"`;
    return [locate(root.offset, `${missing} is missing: it must be ${wantedWords(issue)}.`)];
  }
  if (issue.code === 'invalid_key') {
    const words = issue.issues.map((inner) => inner.message).join(', ');
    return [
      locate(
        keyOffset(node.parent ?? node, String(path.at(-1))),
        `"${shortened(String(path.at(-1)))}" is not ${words}.`,
      ),
    ];
  }
  const name = path.length === 0 ? 'The whole file' : `"${namePath(path)}"`;
  if (node.value === Number.POSITIVE_INFINITY) return [locate(node.offset, `${name} is too large a number.`)];
  return [locate(node.offset, `${name} must be ${wantedWords(issue)}, not ${shown(node)}.`)];
}

function shown(node: Node): string {
  if (node.type === 'object' || node.type === 'array') return `an ${node.type}`;
  return shortened(JSON.stringify(node.value));
}

const namePath = (path: readonly (string | number)[]) => path.map((part) => shortened(String(part))).join('.');

const shortened = (text: string) => (text.length > maxKeyLength ? `${text.slice(0, maxKeyLength - 1)}…` : text);

function duplicateKeys(root: Node): Node[] {
  const seen = new Set<string>();
  return (root.children ?? []).flatMap((property) => {
    const key = property.children?.[0];
    if (root.type !== 'object' || key === undefined) return [];
    const first = !seen.has(key.value);
    seen.add(key.value);
    return first ? [] : [key];
  });
}

/** The place of a key of an object; the object itself when it has no such key. */
export function keyOffset(object: Node, key: string): number {
  const property = object.children?.find((child) => child.children?.[0]?.value === key);
  return property?.offset ?? object.offset;
}

/** The present keys of an object of the file, by its place in it. */
export function keysAt(whole: z.ZodType, path: readonly (string | number)[]): string[] {
  let schema: unknown = whole;
  for (const part of path) schema = bare(schema) instanceof z.ZodObject ? bareObject(schema).shape[part] : undefined;
  if (!(bare(schema) instanceof z.ZodObject)) return [];
  const { shape } = bareObject(schema);
  return Object.keys(shape).filter((key) => key !== '$schema' && !isDeprecated(shape[key]));
}

/** Where else the file may have a key, as advice; undefined where nowhere. */
function placeOfKey(schema: z.ZodType, key: string, path: readonly (string | number)[]): string | undefined {
  const isKnownAt = (at: readonly (string | number)[]) =>
    keysAt(schema, at).some((known) => known.toLowerCase() === key.toLowerCase());
  if (isKnownAt(path)) return undefined;
  if (path.length > 0 && isKnownAt([])) return `It belongs outside "${namePath(path)}".`;
  const sections = keysAt(schema, []).filter((section) => section !== path[0] && isKnownAt([section]));
  return sections.length === 0 ? undefined : `It belongs in ${sections.map((name) => `"${name}"`).join(' or ')}.`;
}

const isDeprecated = (schema: unknown) => z.globalRegistry.get(schema as z.ZodType)?.deprecated === true;
const bareObject = (schema: unknown) => bare(schema) as z.ZodObject;

/** A schema without its wrapper for optional values. */
function bare(schema: unknown): unknown {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodNullable)
    inner = inner.unwrap();
  return inner;
}

/** The most likely intended key: at most a third of its letters differ. */
function nearestKey(key: string, known: readonly string[]): string | undefined {
  if (key.length > maxKeyLength) return undefined;
  const scored = known.map((candidate) => ({
    candidate,
    distance: editDistance(key.toLowerCase(), candidate.toLowerCase()),
  }));
  scored.sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  if (best === undefined) return undefined;
  const isPrefix = key.length >= 3 && best.candidate.toLowerCase().startsWith(key.toLowerCase());
  if (best.distance <= Math.max(1, Math.floor(best.candidate.length / 3)) || isPrefix) return best.candidate;
  return known.find((candidate) => key.length >= 3 && candidate.toLowerCase().startsWith(key.toLowerCase()));
}

/** The number of letters to insert, delete or exchange to turn one word into another. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
