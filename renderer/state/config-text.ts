/** Reads and changes the text of firstlight.json, and keeps its comments and layout. */
import { applyEdits, type JSONPath, modify, type ParseError, parse } from 'jsonc-parser';
import type { Json } from '#shared/model/json.ts';

export const configPath = 'firstlight.json';

/** The value of a text of firstlight.json; null while it is not JSON. Comments and trailing commas are fine. */
export function readConfig(text: string): { readonly [key: string]: Json } | null {
  const errors: ParseError[] = [];
  const value: unknown = parse(text.replace(/^\uFEFF/, ' '), errors, { allowTrailingComma: true });
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return errors.length === 0 && isObject ? (value as { readonly [key: string]: Json }) : null;
}

/** The value at a place of a configuration; undefined where there is none. */
export function valueAt(config: Json, path: JSONPath): Json | undefined {
  let value: Json | undefined = config;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as { readonly [key: string]: Json })[part];
  }
  return value;
}

/**
 * The text with a value set, or (undefined) removed; sections that become empty are removed too.
 *
 * Shape: `path` from the whole file on; a number is an index of a list, where the list's length appends.
 */
export function setInConfig(text: string, path: JSONPath, value: Json | undefined): string {
  const before = valueAt(readConfig(text) ?? {}, path);
  if (before === value) return text;
  const parent = valueAt(readConfig(text) ?? {}, path.slice(0, -1));
  const isInsertion = Array.isArray(parent) && before === undefined;
  const edits = modify(text, path, value, { formattingOptions: formOf(text), isArrayInsertion: isInsertion });
  const next = applyEdits(text, edits);
  if (value !== undefined || path.length < 2) return next;
  const left = valueAt(readConfig(next) ?? {}, path.slice(0, -1));
  const isEmpty = typeof left === 'object' && left !== null && Object.keys(left).length === 0;
  return isEmpty ? setInConfig(next, path.slice(0, -1), undefined) : next;
}

/** The indentation and line ends of a text. */
function formOf(text: string): { insertSpaces: boolean; tabSize: number; eol: string } {
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? '  ';
  return {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.startsWith('\t') ? 4 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
}
