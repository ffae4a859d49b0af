/** The words of a shell's commands, without a shell: quotes taken off, and variables filled in. */

/** What a command finds when it starts. */
export interface ShellState {
  readonly variables: ReadonlyMap<string, string>;
  /** `$0` and the words after it. */
  readonly positional: readonly string[];
  /** The names of the variables that were filled in. */
  readonly used: Set<string>;
}

export interface ShellWord {
  readonly text: string;
  /** The length of its start that is as written: an assignment's name must be. */
  readonly plainStart: number;
}

/** A character that makes a shell do more than this file knows, anywhere in a word or at its start. */
const special = /[`|&<>(){}*?[\]~]/;
const specialAtStart = /[#!]/;

/**
 * The commands of a list, by `&&`, `;` and lines, without comments; null for what no shell takes. Source: POSIX.1-2017,
 * Shell Command Language, 2.3.
 */
export function splitCommands(text: string): string[] | null {
  const commands: string[] = [];
  let command = '';
  let isOpen = false;
  const end = () => {
    if (command.trim() !== '') commands.push(command.trim());
    command = '';
  };
  const parts = /\\[\s\S]|'[^']*'|"(?:[^"\\]|\\[\s\S])*"|((?<![^\s;])#[^\n]*)|&&|[\s\S]/g;
  for (const [part, comment] of text.matchAll(parts)) {
    if (comment !== undefined) continue;
    if (part === "'" || part === '"') return null;
    const isOperator = part === ';' || part === '&&';
    if (isOperator && command.trim() === '') return null;
    if (isOperator || part === '\n') end();
    else command += part;
    // After `&&`, a command must follow.
    isOpen = part === '&&' || (isOpen && command.trim() === '');
  }
  end();
  return isOpen ? null : commands;
}

/** The words of one command; null where a shell would do more than fill variables in. */
export function readWords(text: string, state: ShellState): ShellWord[] | null {
  const words: ShellWord[] = [];
  let word: { text: string; plainStart: number; isPlain: boolean } | null = null;
  const add = (more: string, isPlain: boolean) => {
    word ??= { text: '', plainStart: 0, isPlain: true };
    word.isPlain &&= isPlain;
    word.text += more;
    if (word.isPlain) word.plainStart = word.text.length;
  };
  const end = () => {
    if (word !== null) words.push(word);
    word = null;
  };
  const wordSoFar = () => word?.text ?? '';
  for (let at = 0; at < text.length; ) {
    const char = text[at] as string;
    if (/\s/.test(char)) {
      end();
      at++;
    } else if (char === "'") {
      const close = text.indexOf("'", at + 1);
      if (close === -1) return null;
      add(text.slice(at + 1, close), false);
      at = close + 1;
    } else if (char === '"') {
      // All the words that the container was given, and each of them is one.
      const [all] = /^"\$(?:@|\{@\})"(?=\s|$)/.exec(text.slice(at)) ?? [];
      if (all !== undefined && word === null) {
        for (const given of state.positional.slice(1)) words.push({ text: given, plainStart: 0 });
        at += all.length;
        continue;
      }
      const inside = readQuoted(text, at + 1, state);
      if (inside === null) return null;
      add(inside.text, false);
      at = inside.end;
    } else if (char === '\\') {
      if (at + 1 >= text.length) return null;
      if (text[at + 1] !== '\n') add(text[at + 1] as string, false);
      at += 2;
    } else if (char === '$') {
      const filled = fillInAll(text, at, state);
      if (filled === null) return null;
      for (const [index, value] of filled.values.entries()) {
        if (index > 0) end();
        // A shell looks for files by its stars, and splits no value that is assigned.
        const isSplit = /\s/.test(value);
        if (/[*?[]/.test(value) || (isSplit && (/^\w+=/.test(wordSoFar()) || state.variables.has('IFS')))) return null;
        for (const [part, field] of value.split(/\s+/).entries()) {
          if (part > 0) end();
          if (field !== '') add(field, false);
        }
      }
      at = filled.end;
    } else if (special.test(char) || (word === null && specialAtStart.test(char))) {
      return null;
    } else {
      add(char, true);
      at++;
    }
  }
  end();
  return words;
}

function readQuoted(text: string, start: number, state: ShellState): { text: string; end: number } | null {
  let value = '';
  for (let at = start; at < text.length; ) {
    const char = text[at] as string;
    if (char === '"') return { text: value, end: at + 1 };
    if (char === '`') return null;
    if (char === '$') {
      const filled = fillIn(text, at, state);
      if (filled === null) return null;
      value += filled.text;
      at = filled.end;
    } else if (char === '\\' && /[$`"\\\n]/.test(text[at + 1] ?? '')) {
      if (text[at + 1] !== '\n') value += text[at + 1];
      at += 2;
    } else {
      value += char;
      at++;
    }
  }
  return null;
}

/** As `fillIn`, with a value for each word that the container was given where all of them are meant: `$@` and `$*`. */
function fillInAll(text: string, at: number, state: ShellState): { values: readonly string[]; end: number } | null {
  const [all] = /^\$(?:[@*]|\{[@*]\})/.exec(text.slice(at, at + 4)) ?? [];
  if (all !== undefined) return { values: state.positional.slice(1), end: at + all.length };
  const filled = fillIn(text, at, state);
  return filled === null ? null : { values: [filled.text], end: filled.end };
}

/** The value of `$NAME`, `${NAME}`, `${NAME:-word}`, `${NAME-word}` and `$1` at a place; null for other expansions. */
function fillIn(text: string, at: number, state: ShellState): { text: string; end: number } | null {
  const pattern = /\$(?:([A-Za-z_]\w*|\d)|\{([A-Za-z_]\w*|\d)(?:(:?-)([^${}`"'\\]*))?\})/y;
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  if (match === null) return null;
  const name = match[1] ?? match[2] ?? '';
  const [, , , operator, otherwise = ''] = match;
  const value = /^\d$/.test(name) ? state.positional[Number(name)] : state.variables.get(name);
  state.used.add(name);
  const isMissing = value === undefined || (operator === ':-' && value === '');
  return { text: (isMissing ? otherwise : value) ?? '', end: pattern.lastIndex };
}
