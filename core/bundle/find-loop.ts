/**
 * Finds the endless loop that a guest was stopped in.
 *
 * QuickJS records the place of what is read, called or calculated, and none of a jump. In a loop with any such place, the
 * guest reports one of the loop's own. A loop without (`for (;;) {}`) has none: the guest then reports the last place
 * before it. Such a loop never ends by itself, so it is the one that was running when it is the next one there.
 */

/** A position in a file. Units: from 1, as QuickJS counts. */
export interface CodePlace {
  readonly line: number;
  readonly column: number;
}

/** More than a person writes between a statement and the loop after it. */
const searchedChars = 4_096;

const literal = String.raw`(?:-?[\d.]+n?|"[^"\n]*"|'[^'\n]*'|true|false|null|void 0|\[\]|\{\})`;
/** What has no place of its own, in the form in which esbuild prints it. */
const placeless = String.raw`(?:[\s{};]|else\b|try\b|finally\b|continue\b(?: [\w$]+)?;|[\w$]+:|(?:const|let|var) [\w$]+(?: = ${literal})?;|\/\/[^\n]*\n)*?`;
const restOfStatement = '[^;{}]*[;{}]';
const head = String.raw`(?:for \(;\s*;\s*\)|while \((?:true|1|!0)\)|do\b)`;
const loopPattern = new RegExp(String.raw`^(${restOfStatement}${placeless})${head}\s*(?:;|\{${placeless}\})`);

/** The place of the loop without places that directly follows `place`; `place` itself when there is none. */
export function findLoop(code: string, place: CodePlace): CodePlace {
  const at = offsetOf(code, place);
  if (at === null) return place;
  const before = loopPattern.exec(code.slice(at, at + searchedChars))?.[1];
  if (before === undefined) return place;
  const lines = before.split('\n');
  const last = lines.at(-1) ?? '';
  return lines.length === 1
    ? { line: place.line, column: place.column + last.length }
    : { line: place.line + lines.length - 1, column: last.length + 1 };
}

function offsetOf(code: string, { line, column }: CodePlace): number | null {
  let start = 0;
  for (let i = 1; i < line; i++) {
    start = code.indexOf('\n', start) + 1;
    if (start === 0) return null;
  }
  return start + column - 1;
}
