/** The one program that an image's words lead to, without the inits, shells and scripts that only start it. */
import type { ImportWarning } from '#shared/model/import.ts';
import { readPackageScript } from './package-script.ts';
import { type Command, type Finder, find, resolveCommand } from './resolve-command.ts';
import { readShellCommand, type ShellProgram } from './shell-command.ts';
import { splitInit } from './split-init.ts';

type Program = Pick<Extract<Command, { kind: 'program' }>, 'program' | 'argv0' | 'args'>;

/** Shape: `env` is what is set on the way; `cwd` is null where the working directory stays. */
export interface Start extends Program {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | null;
}

export interface StartContext {
  readonly finder: Finder;
  readonly env: Readonly<Record<string, string>>;
  readonly warn: (code: ImportWarning['code'], message: string, hint?: string) => void;
}

const noFork = 'The guest runs one process, so nothing that starts other programs works.';
/** More shells in shells than anyone uses. */
const maxDepth = 6;

/** The program; null with a warning that has the reason. */
export async function chooseStart(
  entrypoint: readonly string[],
  command: readonly string[],
  context: StartContext,
): Promise<Start | null> {
  const { warn } = context;
  if (entrypoint.length + command.length === 0) {
    warn('missing', 'The image names no program to start.', 'Use an image with an ENTRYPOINT or a CMD.');
    return null;
  }
  const whole = await follow([...entrypoint, ...command], context);
  if ('start' in whole) return tell(whole, warn);
  if (whole.kind !== 'shell') {
    warn(whole.kind, whole.why);
    return null;
  }
  // Entry scripts prepare something, then become the command that follows them.
  const rest = entrypoint.length > 0 && command.length > 0 ? await follow(command, context) : null;
  if (rest !== null && 'start' in rest) {
    warn(
      'shell',
      `The image starts with ${whole.what}, which needs a shell. It is left out: ${rest.start.program} is started.`,
      'Look at the script: what it prepares must be in the image, or in `env` and `files` of firstlight.json.',
    );
    return tell(rest, warn);
  }
  warn(
    'shell',
    `The image starts ${whole.what}, which needs a shell. ${noFork}`,
    'Use an image that starts its program itself, or make one: ENTRYPOINT ["/path/to/program"].',
  );
  return null;
}

interface Told {
  readonly code: ImportWarning['code'];
  readonly message: string;
}
type Followed =
  | { readonly start: Start; readonly told: readonly Told[] }
  | { readonly kind: 'missing' | 'architecture'; readonly why: string }
  | { readonly kind: 'shell'; readonly what: string };

function tell({ start, told }: Extract<Followed, { start: Start }>, warn: StartContext['warn']): Start {
  for (const { code, message } of told) warn(code, message);
  return start;
}

/** Leaves out one thing after the other that only starts the next. */
async function follow(words: readonly string[], { finder, env }: StartContext, depth = 0): Promise<Followed> {
  const init = splitInit(words, (word) => find(word, finder)?.path ?? word);
  const own = words.slice(init.words);
  const told: Told[] = [];
  if (init.names.length > 0) {
    const message = `The image starts its program through ${init.names.join(' and ')}, which starts another. It is left out: ${noFork}`;
    told.push({ code: 'init', message });
  }
  const inner = await readShell(own, { ...finder, path: init.env.PATH ?? finder.path }, { ...env, ...init.env });
  if (inner.kind !== 'commands') {
    if (inner.kind !== 'program') return inner;
    const { program, argv0, args } = inner;
    return { start: { program, argv0, args, env: init.env, cwd: null }, told };
  }
  const { read, what } = inner;
  const shell = { kind: 'shell', what } as const;
  if (read === null || depth === maxDepth) return shell;
  const innerEnv = { ...env, ...init.env, ...inner.env, ...read.env };
  const cwd = read.cwd ?? finder.cwd;
  const found = await follow(
    read.words,
    { finder: { ...finder, cwd, path: innerEnv.PATH ?? finder.path }, env: innerEnv, warn: () => undefined },
    depth + 1,
  );
  if (!('start' in found)) return shell;
  const { start } = found;
  const filledIn = read.filledIn.filter((name) => !/^\d$/.test(name)).map((name) => `$${name}`);
  const values =
    filledIn.length === 0
      ? ''
      : ` ${filledIn.join(' and ')} ${filledIn.length === 1 ? 'has its value' : 'have their values'} from the image.`;
  const message = `The image starts ${start.program} through ${inner.through}. It is started without it: ${noFork}${values}`;
  return {
    start: { ...start, env: { ...init.env, ...read.env, ...start.env }, cwd: start.cwd ?? read.cwd },
    told: [...told, { code: 'shell', message }, ...found.told],
  };
}

/** The commands of a shell, and what names them. `env` is set for them only. */
interface Commands {
  readonly kind: 'commands';
  readonly what: string;
  readonly through: string;
  readonly read: ShellProgram | null;
  readonly env: Readonly<Record<string, string>>;
}

/** What the words are: a program, or the commands of a shell. */
async function readShell(
  words: readonly string[],
  finder: Finder,
  env: Readonly<Record<string, string>>,
): Promise<Exclude<Command, { kind: 'shell' }> | Commands> {
  const { cwd } = finder;
  const script = await readPackageScript(words, finder);
  if (script !== null) {
    const { tool, text, args, binDir } = script;
    return {
      kind: 'commands',
      what: `the command "${text.slice(0, 200)}" through ${tool}`,
      through: tool,
      read: readShellCommand(`${text} "$@"`, { env, cwd, positional: [tool, ...args] }),
      env: { PATH: `${binDir}:${finder.path}` },
    };
  }
  const command = await resolveCommand(words, finder);
  if (command.kind !== 'shell') return command;
  const { shell, what, text, positional } = command;
  const read = text === null ? null : readShellCommand(text, { env, cwd, positional });
  return { kind: 'commands', what, through: shell, read, env: {} };
}
