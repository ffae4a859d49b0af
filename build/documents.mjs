// Wraps the project's documents at 120 columns: `node build/documents.mjs` rewrites them, `npm run lint` checks them.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './script.mjs';

const maxColumns = 120;

/** Lists the Markdown files of the project, new ones included. Shape: paths relative to `dir`. */
export function listDocuments(dir = root) {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--', '*.md'];
  return execFileSync('git', args, { cwd: dir, encoding: 'utf8' }).split('\n').filter(Boolean);
}

const fence = /^\s*(```|~~~)/;
/** Matches lines that are never wrapped: a table, a heading, a link's definition, HTML, an indented code block. */
const isFixed = (line) => /^\s*(\||#{1,6} |<|\[[^\]]+\]: )/.test(line) || /^ {4,}[^\s\-*+\d]/.test(line);
const marker = /^(\s*)([-*+]|\d+[.)])(\s+)/;
const quote = /^\s*>/;
const width = (line) => [...line].length;

/** Lists the lines that are too long. Shape: line numbers from 1, without lines that have no place to break. */
export function findLongLines(text) {
  return readBlocks(text).flatMap(({ lines, first, kind }) =>
    kind === 'text' && wrapBlock(lines).join('\n') !== lines.join('\n')
      ? lines.flatMap((line, index) => (width(line) > maxColumns ? [first + index] : []))
      : [],
  );
}

/** Wraps every paragraph and list item that has a line over the limit; leaves all others unchanged. */
export function wrapDocument(text) {
  return readBlocks(text)
    .flatMap(({ lines, kind }) => (kind === 'text' ? wrapBlock(lines) : lines))
    .join('\n');
}

/** The blocks of a document. Shape: `[{ kind: 'text' | 'fixed', lines, first }]`, `first` the number of its first line. */
function readBlocks(text) {
  const blocks = [];
  let inFence = false;
  let open = false;
  for (const [index, line] of text.split('\n').entries()) {
    const isFence = fence.test(line);
    if (inFence || isFence || line.trim() === '' || isFixed(line) || quote.test(line)) {
      if (isFence) inFence = !inFence;
      blocks.push({ kind: 'fixed', lines: [line], first: index + 1 });
      open = false;
    } else if (open && !marker.test(line)) {
      blocks.at(-1).lines.push(line);
    } else {
      blocks.push({ kind: 'text', lines: [line], first: index + 1 });
      open = true;
    }
  }
  return blocks;
}

function wrapBlock(lines) {
  const hasHardBreak = lines.slice(0, -1).some((line) => / {2}$|\\$/.test(line));
  if (hasHardBreak || lines.every((line) => width(line) <= maxColumns)) return lines;
  const [, indent = '', sign = '', gap = ''] = marker.exec(lines[0]) ?? [];
  const lead = sign ? `${indent}${sign}${gap}` : /^\s*/.exec(lines[0])[0];
  const hanging = ' '.repeat(width(lead));
  const words = lines.map((line, index) => (index === 0 ? line.slice(lead.length) : line.trim())).join(' ');
  const wrapped = [];
  let line = lead;
  let isEmpty = true;
  for (const word of splitWords(words)) {
    if (!isEmpty && width(line) + 1 + width(word) > maxColumns) {
      wrapped.push(line);
      line = hanging;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...wrapped, line];
}

/** The words of a paragraph. Code between backticks stays on one line, and no line may begin like a list or a heading. */
function splitWords(text) {
  const words = [];
  for (const word of text.match(/(?:`+[^`]*`+|[^\s`])+/g) ?? []) {
    const startsBlock = /^([-*+>|]|#{1,6}|\d+[.)])$/.test(word);
    if (startsBlock && words.length > 0) words[words.length - 1] += ` ${word}`;
    else words.push(word);
  }
  return words;
}

/** Lists the places that are too long in all documents. Shape: as `runCheckTool`. */
export function checkDocuments(dir = root) {
  const places = listDocuments(dir).flatMap((path) =>
    findLongLines(readFileSync(join(dir, path), 'utf8')).map((line) => `${path}:${line} is over ${maxColumns} columns`),
  );
  const hint = 'npm run format wraps them.';
  return { ok: places.length === 0, output: places.length > 0 ? [...places, hint].join('\n') : '' };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const path of listDocuments()) {
    const text = readFileSync(join(root, path), 'utf8');
    const wrapped = wrapDocument(text);
    if (wrapped !== text) writeFileSync(join(root, path), wrapped);
  }
}
