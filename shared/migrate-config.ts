/** Rewrites the text of an older firstlight.json, with its comments and its layout kept. */
import { createScanner, findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';
import { FirstlightError } from './errors.ts';
import { programKeys } from './model/program.ts';

/** Kinds of token. Source: `SyntaxKind` of jsonc-parser 3.3.1, a constant enum, which only its own build can name. */
const token = {
  closeBrace: 2,
  closeBracket: 4,
  comma: 5,
  lineComment: 12,
  blockComment: 13,
  lineBreak: 14,
  space: 15,
  end: 17,
};

export interface MigratedConfig {
  readonly text: string;
  /** The keys that were moved, by their former place, in the order of the file. */
  readonly moved: readonly string[];
}

/** One property of an object: from the end of the previous one to the end of its line. Units: offsets into the text. */
interface Segment {
  readonly key: string;
  readonly start: number;
  /** The end of the value, before a comma. */
  readonly valueEnd: number;
  readonly comma: boolean;
  readonly end: number;
}

/**
 * The text with the keys of a program at the top level, just before the runtime's section that had them. A section with
 * no other key is removed. A text that is not JSON, or has no key to move, is returned unchanged.
 * Shape: `sections` are the keys of the runtimes' sections that had them.
 *
 * Errors: CONFLICT for a key that is in both places.
 */
export function migrateConfig(text: string, sections: readonly string[]): MigratedConfig {
  return sections.reduce<MigratedConfig>(
    (before, name) => {
      const { text: after, moved } = migrateSection(before.text, name);
      return { text: after, moved: [...before.moved, ...moved] };
    },
    { text, moved: [] },
  );
}

function migrateSection(text: string, name: string): MigratedConfig {
  const root = parseTree(text.replace(/^\uFEFF/, ' '), [], { allowTrailingComma: true });
  const section = root && findNodeAtLocation(root, [name]);
  if (root === undefined || section?.type !== 'object') return { text, moved: [] };
  const inner = segmentsOf(text, section);
  const moving = inner.filter(({ key }) => (programKeys as readonly string[]).includes(key));
  if (moving.length === 0) return { text, moved: [] };
  for (const { key } of moving) {
    if (findNodeAtLocation(root, [key]) === undefined) continue;
    throw new FirstlightError('CONFLICT', `firstlight.json has "${key}" at the top level and "${name}.${key}".`, {
      hint: 'Remove one of them, then migrate the file.',
      details: { subject: key },
    });
  }
  const home = segmentsOf(text, root).find(({ key }) => key === name) as Segment;
  const rest = withoutSegments(text, section, inner, moving);
  const isEmpty = rest === '{}';
  const before = /^\s*/.exec(text.slice(home.start, section.offset))?.[0] ?? '';
  const written = moving.map((segment, index) => {
    const isLast = isEmpty && index === moving.length - 1 && !home.comma;
    return moveOut(text, segment, before, !isLast);
  });
  const keyOffset = (section.parent ?? section).offset;
  // The comments around a removed section stay.
  const inHead = isEmpty ? commentsIn(text.slice(keyOffset, section.offset)) : [];
  const lead = isEmpty ? text.slice(home.start, keyOffset).trimEnd() : '';
  const trailing = uncomma(text.slice(home.valueEnd, home.end)).trim();
  const kept = isEmpty
    ? [trailing && before + trailing]
    : [text.slice(home.start, section.offset) + rest + text.slice(home.valueEnd, home.end)];
  return {
    text: join([text.slice(0, home.start), lead, ...inHead, ...written, ...kept, text.slice(home.end)]),
    moved: moving.map(({ key }) => `${name}.${key}`),
  };
}

/** The properties of an object, side by side: together they are all of it but its braces and the final text. */
function segmentsOf(text: string, object: Node): Segment[] {
  let start = object.offset + 1;
  return (object.children ?? []).map((property) => {
    const valueEnd = property.offset + property.length;
    const { comma, end } = lineAfter(text, valueEnd);
    const segment = { key: String(property.children?.[0]?.value), start, valueEnd, comma, end };
    start = end;
    return segment;
  });
}

/** The end of a value's line from an offset: its comma, and the comments up to the end of the line. */
function lineAfter(text: string, from: number): { comma: boolean; end: number } {
  const commaAt = commaAfter(text, from);
  const scanner = createScanner(text);
  let end = commaAt === null ? from : commaAt + 1;
  const least = end;
  scanner.setPosition(end);
  for (let kind = scanner.scan(); ; kind = scanner.scan()) {
    const isComment = kind === token.lineComment || kind === token.blockComment;
    if (isComment) end = scanner.getTokenOffset() + scanner.getTokenLength();
    // A comment that another property follows on the same line is the next one's.
    else if (kind !== token.space) {
      return { comma: commaAt !== null, end: kind === token.lineBreak || isClosing(kind) ? end : least };
    }
  }
}

/** The offset of the comma after a value; null where the object ends. A comment may have commas too. */
function commaAfter(text: string, from: number): number | null {
  const scanner = createScanner(text, true);
  scanner.setPosition(from);
  return scanner.scan() === token.comma ? scanner.getTokenOffset() : null;
}

const isClosing = (kind: number) => kind === token.closeBrace || kind === token.closeBracket || kind === token.end;

/** The text of an object without some of its properties; `{}` when only space would be left. */
function withoutSegments(text: string, object: Node, all: readonly Segment[], gone: readonly Segment[]): string {
  const kept = all.filter((segment) => !gone.includes(segment));
  const endsWithComma = all.at(-1)?.comma ?? false;
  const pieces = kept.map((segment, index) => {
    const isLast = index === kept.length - 1;
    return isLast && segment.comma && !endsWithComma
      ? text.slice(segment.start, segment.valueEnd) + uncomma(text.slice(segment.valueEnd, segment.end))
      : text.slice(segment.start, segment.end);
  });
  const tail = text.slice(all.at(-1)?.end ?? object.offset + 1, object.offset + object.length - 1);
  const isEmpty = [...pieces, tail].join('').trim() === '';
  return isEmpty ? '{}' : join(['{', ...pieces, tail, '}']);
}

/** Pieces of a text one after the other. The text after a line comment begins on a new line. */
function join(pieces: readonly string[]): string {
  return pieces.reduce((before, piece) => {
    if (piece === '' || /^[ \t]*\r?\n/.test(piece) || !endsInLineComment(before)) return before + piece;
    return `${before}\n${piece}`;
  }, '');
}

function commentsIn(text: string): string[] {
  const scanner = createScanner(text);
  const comments: string[] = [];
  for (let kind = scanner.scan(); kind !== token.end; kind = scanner.scan()) {
    const isComment = kind === token.lineComment || kind === token.blockComment;
    if (isComment) comments.push(` ${scanner.getTokenValue()}`);
  }
  return comments;
}

function endsInLineComment(text: string): boolean {
  const scanner = createScanner(text);
  let last: number = token.end;
  for (let kind = scanner.scan(); kind !== token.end; kind = scanner.scan()) last = kind;
  return last === token.lineComment;
}

/** The text after a value, without its comma. */
function uncomma(after: string): string {
  const at = commaAfter(after, 0);
  return at === null ? after : after.slice(0, at) + after.slice(at + 1);
}

/** A property of the section as one of the whole file: with the section's leading space and indentation. */
function moveOut(text: string, segment: Segment, before: string, comma: boolean): string {
  const indent = /[^\n]*$/.exec(before)?.[0] ?? '';
  const own = text.slice(segment.start, segment.valueEnd);
  const ownIndent = /\n([ \t]*)\S/.exec(own)?.[1];
  const outdent = (words: string) =>
    ownIndent === undefined ? words : words.replaceAll(`\n${ownIndent}`, `\n${indent}`);
  const leading = /^\s*/.exec(own)?.[0] ?? '';
  const body = outdent(own).slice(outdent(leading).length);
  const after = text.slice(segment.valueEnd, segment.end);
  return before + body + (comma && !segment.comma ? `,${after}` : comma ? after : uncomma(after));
}
