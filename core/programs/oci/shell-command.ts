/** The one program that a shell command ends in, so that no shell is needed. */
import { posix } from 'node:path';
import { readWords, type ShellWord, splitCommands } from './shell-words.ts';

/** Shape: `env` is what the commands before it set; `cwd` is null where they stay; `filledIn` are names of variables. */
export interface ShellProgram {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | null;
  readonly filledIn: readonly string[];
}

export interface ShellInput {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** `$0` and the words after it. */
  readonly positional: readonly string[];
}

/** Commands of a shell that change nothing for a program alone in its machine. */
const idle = new Set([':', 'true', 'set', 'umask', 'ulimit']);
/** Words that a shell handles itself, or that make the rest more than a list of commands. */
const builtins = new Set(
  '. alias break case cd command continue do done elif else esac eval exec exit export fi for getopts if local read readonly return shift source test then trap unset until wait while'.split(
    ' ',
  ),
);
const assignment = /^([A-Za-z_]\w*)=(.*)$/s;

/** The program of a shell command; null where a shell is needed: for pipes, files, conditions, a second program. */
export function readShellCommand(text: string, { env, cwd: start, positional }: ShellInput): ShellProgram | null {
  const commands = splitCommands(text);
  if (commands === null) return null;
  const variables = new Map(Object.entries(env));
  const exported = new Set(variables.keys());
  const set: Record<string, string> = {};
  const used = new Set<string>();
  let cwd = start;
  const assign = (name: string, value: string) => {
    variables.set(name, value);
    if (exported.has(name)) set[name] = value;
  };
  for (const [index, command] of commands.entries()) {
    const read = readWords(command, { variables, positional, used });
    if (read === null) return null;
    const { assigned, words } = splitAssignments(read);
    const name = words[0];
    if (name === undefined) {
      for (const [variable, value] of assigned) assign(variable, value);
      continue;
    }
    const isExec = name === 'exec';
    const program = isExec ? words.slice(1) : words;
    if (isExec || (!idle.has(name) && !builtins.has(name))) {
      const isLast = isExec || index === commands.length - 1;
      if (!isLast || program[0] === undefined || program[0].startsWith('-') || builtins.has(program[0])) return null;
      return {
        words: program,
        env: { ...set, ...Object.fromEntries(assigned) },
        cwd: cwd === start ? null : cwd,
        filledIn: [...used],
      };
    }
    if (assigned.length > 0) return null;
    if (name === 'cd') {
      const [, to] = words;
      if (to === undefined || to === '-' || words.length > 2) return null;
      cwd = posix.resolve(cwd, to);
    } else if (name === 'export') {
      for (const word of words.slice(1)) {
        const [, variable = word, value = variables.get(word)] = assignment.exec(word) ?? [];
        if (!/^[A-Za-z_]\w*$/.test(variable)) return null;
        exported.add(variable);
        if (value !== undefined) assign(variable, value);
      }
    } else if (!idle.has(name) || (name === 'set' && !setsOptions(words))) return null;
  }
  return null;
}

/** Whether `set` leaves the words that the shell was given alone. */
const setsOptions = (words: readonly string[]): boolean =>
  words.slice(1).every((word, index) => /^[-+][A-Za-z]+$/.test(word) || /^[-+]\w*o$/.test(words[index] ?? ''));

/** The assignments before a command. */
function splitAssignments(read: readonly ShellWord[]) {
  const assigned: [string, string][] = [];
  for (const [index, { text, plainStart }] of read.entries()) {
    const [, name = '', value = ''] = assignment.exec(text) ?? [];
    if (name === '' || plainStart <= name.length)
      return { assigned, words: read.slice(index).map((word) => word.text) };
    assigned.push([name, value]);
  }
  return { assigned, words: [] };
}
