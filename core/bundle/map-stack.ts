import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import type { Bundle } from '#core/runtime/bundle.ts';
import type { SourceLocation } from '#shared/errors.ts';
import { findLoop } from './find-loop.ts';
import { isShim } from './node-modules.ts';

/** The part of a bundle that mapping a stack needs. */
export type MappedBundle = Pick<Bundle, 'sourceMap'>;

/** QuickJS writes `    at name (bundle.js:12:34)`, `    at bundle.js:12:34`, or `    at name (native)`. */
const framePattern = /^\s*at (?:(.*?) \()?([^()]+?)(?::(\d+)(?::(\d+))?)?\)?$/;
const bundleFile = 'bundle.js';

/** The most recently used maps: a map of megabytes takes long to decode. */
const decoded = new WeakMap<MappedBundle, TraceMap>();

interface Frame {
  readonly name: string | undefined;
  readonly at: SourceLocation | 'native';
}

/**
 * A stack of the guest with positions in the person's own files. Shape: lines `    at name (handler.ts:3:9)`.
 *
 * Frames of ours (the guest's prelude, the bundler's helpers) are left out. A line that is not a frame stays.
 */
export function mapStack(bundle: MappedBundle, rawStack: string): string {
  const lines: string[] = [];
  for (const line of rawStack.split('\n')) {
    if (!/^\s*at /.test(line)) {
      if (line.trim() !== '') lines.push(line);
      continue;
    }
    const frame = readFrame(bundle, line);
    if (frame === null) continue;
    const place = frame.at === 'native' ? 'native' : `${frame.at.file}:${frame.at.line}:${frame.at.column}`;
    lines.push(frame.name === undefined ? `    at ${place}` : `    at ${frame.name} (${place})`);
  }
  return lines.join('\n');
}

/** The stack of a guest that was stopped at its deadline, with the loop that it was in. */
export function nameLoop({ code }: Pick<Bundle, 'code'>, rawStack: string): string {
  return rawStack.replace(/^(\s*at (?:[^\n]*? \()?bundle\.js:)(\d+):(\d+)/, (_, before: string, line, column) => {
    const loop = findLoop(code, { line: Number(line), column: Number(column) });
    return `${before}${loop.line}:${loop.column}`;
  });
}

/**
 * The position in the person's source where a stack begins: its first frame outside `node_modules`, else its first;
 * null if none is known.
 */
export function locateStack(bundle: MappedBundle, rawStack: string): SourceLocation | null {
  let first: SourceLocation | null = null;
  for (const line of rawStack.split('\n')) {
    const at = readFrame(bundle, line)?.at;
    if (at === undefined || at === 'native') continue;
    if (!at.file.includes('node_modules/') && !isShim(at.file)) return at;
    first ??= at;
  }
  return first;
}

function readFrame(bundle: MappedBundle, line: string): Frame | null {
  const match = framePattern.exec(line);
  if (match === null) return null;
  const [, name, file, lineNumber, column] = match;
  if (file === 'native') return { name, at: 'native' };
  if (file !== bundleFile || lineNumber === undefined) return null;
  const at = originalPlace(bundle, Number(lineNumber), column === undefined ? 1 : Number(column));
  return at === null ? null : { name, at };
}

function originalPlace(bundle: MappedBundle, line: number, column: number): SourceLocation | null {
  let map = decoded.get(bundle);
  if (map === undefined) {
    map = new TraceMap(bundle.sourceMap);
    decoded.set(bundle, map);
  }
  if (line < 1) return null;
  const found = originalPositionFor(map, { line, column: Math.max(0, column - 1) });
  if (found.source === null) return null;
  const lineText = map.sourcesContent?.[map.sources.indexOf(found.source)]?.split('\n')[found.line - 1];
  return {
    file: found.source,
    line: found.line,
    column: found.column + 1,
    ...(lineText !== undefined && { lineText }),
  };
}
