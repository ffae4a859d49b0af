interface Launcher {
  /** Its options that take a word. */
  readonly withWord: readonly string[];
  /** The words between its options and the command. */
  readonly words?: number;
  /** True when variables may stand before the command. */
  readonly variables?: boolean;
}

/** Programs that start another one, to wait for it or in their own place. */
const launchers: Readonly<Record<string, Launcher>> = {
  tini: { withWord: ['-p', '-e'] },
  'tini-static': { withWord: ['-p', '-e'] },
  'docker-init': { withWord: ['-p', '-e'] },
  'dumb-init': { withWord: ['-r', '--rewrite'] },
  catatonit: { withWord: [] },
  env: { withWord: ['-u', '--unset', '-C', '--chdir'], variables: true },
  gosu: { withWord: [], words: 1 },
  'su-exec': { withWord: [], words: 1 },
  's6-setuidgid': { withWord: [], words: 1 },
  setpriv: { withWord: ['--reuid', '--regid', '--groups', '--inh-caps', '--ambient-caps', '--bounding-set'] },
  chpst: { withWord: ['-u', '-U', '-b', '-e', '-/', '-n', '-l', '-L', '-m', '-d', '-o', '-p', '-f', '-c', '-t'] },
  nice: { withWord: ['-n', '--adjustment'] },
  nohup: { withWord: [] },
  setsid: { withWord: [] },
  stdbuf: { withWord: ['-i', '-o', '-e', '--input', '--output', '--error'] },
};

/** More of them in a row than anyone uses. */
const maxLaunchers = 8;

/** Shape: `words` of the command belong to launchers, whose `names` these are, and which set the variables in `env`. */
export interface SplitInit {
  readonly words: number;
  readonly names: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The first words of a command that are inits or other launchers with their options; none without a command after them.
 * `follow` gives the path that a word leads to: an init may go by another name.
 */
export function splitInit(command: readonly string[], follow: (word: string) => string = (word) => word): SplitInit {
  let words = 0;
  const names: string[] = [];
  const env: Record<string, string> = {};
  while (names.length < maxLaunchers) {
    const first = command[words] ?? '';
    const launcher = launcherOf(first) ?? launcherOf(follow(first));
    if (launcher === undefined) break;
    const { at, variables } = skipOptions(command, words + 1, launcher);
    if (at >= command.length) break;
    names.push(first);
    Object.assign(env, variables);
    words = at;
  }
  return { words, names, env };
}

function launcherOf(path: string): Launcher | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return Object.hasOwn(launchers, name) ? launchers[name] : undefined;
}

function skipOptions(command: readonly string[], start: number, { withWord, words = 0, variables }: Launcher) {
  let at = start;
  const set: Record<string, string> = {};
  while (command[at]?.startsWith('-') && command[at] !== '--') at += withWord.includes(command[at] ?? '') ? 2 : 1;
  if (command[at] === '--') at++;
  for (; variables; at++) {
    const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(command[at] ?? '') ?? [];
    if (name === undefined) break;
    set[name] = value;
  }
  return { at: at + words, variables: set };
}
