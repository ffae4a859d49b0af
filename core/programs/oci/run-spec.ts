/** The one program that an image's configuration starts. */

import { posix } from 'node:path';
import type { TreeNode } from '@firstlight/files';
import type { ImageConfig } from '@firstlight/oci';
import type { PathTree } from '@firstlight/tar';
import type { ImportWarning } from '#shared/model/import.ts';
import { plainWords } from './shell-words.ts';
import { splitInit } from './split-init.ts';

/**
 * Shape: `program` is an ELF in the tree, all links followed, or null: the warnings then have the reason. `argv0` is
 * the name that it was called by; `args` leave that out. `home` is that of the image's user, null where the image has
 * none. `volumes` are the folders that the image declares.
 */
export interface RunSpec {
  readonly program: string | null;
  readonly argv0: string | null;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly home: string | null;
  readonly cwd: string | null;
  readonly port: number | null;
  readonly volumes: readonly string[];
  readonly warnings: readonly ImportWarning[];
}

/** The first bytes of a file of the tree: enough for a list of users. */
export type ReadStart = (node: Extract<TreeNode, { kind: 'file' }>) => Promise<Uint8Array>;

/** The search path of Linux without a PATH. */
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const shells = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'rbash']);
/** A script's interpreter may be a script: Linux follows four. */
const maxScripts = 4;
const elfMachineX64 = 0x3e;

const noFork = 'The guest runs one process, so nothing that starts other programs works.';

/**
 * The program of an image, with scripts followed to their interpreters and plain shell commands freed of their shell.
 */
export async function makeRunSpec({ config }: ImageConfig, tree: PathTree, readStart: ReadStart): Promise<RunSpec> {
  const { Entrypoint, Cmd, Env, WorkingDir, User, ExposedPorts, Volumes } = config ?? {};
  const ownEnv = readEnv(Env ?? []);
  // As runc: a relative one begins at the root.
  const cwd = WorkingDir ? posix.resolve('/', WorkingDir) : null;
  const warnings: ImportWarning[] = [];
  const warn = (code: ImportWarning['code'], message: string, hint: string | null = null) => {
    warnings.push({ code, message, hint });
  };
  if (User && !['root', '0', '0:0', 'root:root'].includes(User)) {
    warn(
      'user',
      `The image asks for the user "${User}". The guest has no users: the program can read and write all files.`,
    );
  }

  const finder = { tree, readStart, path: ownEnv.PATH ?? defaultPath, cwd: cwd ?? '/' };
  const init = splitInit([...(Entrypoint ?? []), ...(Cmd ?? [])], (word) => find(word, finder)?.path ?? word);
  if (init.names.length > 0) {
    const names = init.names.join(' and ');
    warn('init', `The image starts its program through ${names}, which starts another. It is left out: ${noFork}`);
  }
  const env = { ...ownEnv, ...init.env };
  // The init's arguments are counted from the words after it.
  const entry = (Entrypoint ?? []).slice(init.words);
  const cmd = (Cmd ?? []).slice(Math.max(0, init.words - (Entrypoint ?? []).length));
  const found = await choose();
  return {
    program: found?.program ?? null,
    argv0: found?.argv0 ?? null,
    args: found?.args ?? [],
    env,
    home: await findHome(User ?? '', tree, readStart),
    cwd,
    port: portOf(ExposedPorts ?? {}),
    volumes: Object.keys(Volumes ?? {}).filter((path) => path.startsWith('/')),
    warnings,
  };

  async function choose(): Promise<Pick<RunSpec, 'program' | 'argv0' | 'args'> | null> {
    const words = [...entry, ...cmd];
    if (words.length === 0) {
      warn('missing', 'The image names no program to start.', 'Use an image with an ENTRYPOINT or a CMD.');
      return null;
    }
    const command = await resolveCommand(words, finder);
    if (command.kind === 'program') return command;
    if (command.kind !== 'shell') {
      warn(command.kind, command.why, null);
      return null;
    }
    if (command.inner !== null) {
      const inner = await resolveCommand(command.inner, finder);
      if (inner.kind === 'program') {
        warn(
          'shell',
          `The image starts ${inner.program} through ${command.shell}. It is started without it: ${noFork}`,
        );
        return inner;
      }
    }
    // Entry scripts prepare something, then become the command that follows them.
    const rest = entry.length > 0 && cmd.length > 0 ? await resolveCommand(cmd, finder) : null;
    if (rest?.kind === 'program') {
      const hint =
        'Look at the script: what it prepares must be in the image, or in `env` and `files` of firstlight.json.';
      warn(
        'shell',
        `The image starts with ${command.what}, which needs a shell. It is left out: ${rest.program} is started.`,
        hint,
      );
      return rest;
    }
    const hint = 'Use an image that starts its program itself, or make one: ENTRYPOINT ["/path/to/program"].';
    warn('shell', `The image starts ${command.what}, which needs a shell. ${noFork}`, hint);
    return null;
  }
}

type Command =
  | { readonly kind: 'program'; readonly program: string; readonly argv0: string; readonly args: readonly string[] }
  /** `inner`: the shell's command, when it needs no shell. */
  | { readonly kind: 'shell'; readonly shell: string; readonly what: string; readonly inner: string[] | null }
  | { readonly kind: 'missing' | 'architecture'; readonly why: string };

interface Finder {
  readonly tree: PathTree;
  readonly readStart: ReadStart;
  readonly path: string;
  readonly cwd: string;
}

async function resolveCommand(words: readonly string[], finder: Finder): Promise<Command> {
  let [name = '', ...args] = words;
  for (let scripts = 0; scripts <= maxScripts; scripts++) {
    const found = find(name, finder);
    if (found === undefined) return { kind: 'missing', why: `${name}, which the image starts, is not in it.` };
    if (/(^|\/)busybox$/.test(name) && shells.has(args[0] ?? '')) [name = '', ...args] = args;
    if (shells.has(name.split('/').at(-1) as string)) return asShell(name, args, scripts > 0 ? args[0] : undefined);
    const head = Buffer.from(await finder.readStart(found.node));
    if (head[0] === 0x7f && head.subarray(1, 4).toString('latin1') === 'ELF') {
      if (isForThisMachine(head)) return { kind: 'program', program: found.path, argv0: name, args };
      return { kind: 'architecture', why: `${found.path} is not a program for x86-64.` };
    }
    const line = /^#![ \t]*([^\s\0]+)[ \t]*([^\n\0]*)/.exec(head.toString('latin1'));
    if (line === null) return { kind: 'architecture', why: `${found.path} is neither an ELF program nor a script.` };
    const [, interpreter = '', option = ''] = line;
    const script = [found.path, ...args];
    const isEnv = /(^|\/)env$/.test(interpreter);
    const given = option.trim().replace(/^-S\s+/, '');
    [name = '', ...args] = isEnv
      ? [...given.split(/\s+/), ...script]
      : [interpreter, ...(given ? [given] : []), ...script];
  }
  return { kind: 'missing', why: `${words[0]} is a script for a script for a script.` };
}

function asShell(shell: string, args: readonly string[], script: string | undefined): Command {
  if (script !== undefined) return { kind: 'shell', shell, what: `the script ${script}`, inner: null };
  const at = args.findIndex((arg) => /^-[a-z]*c[a-z]*$/.test(arg));
  const text = at === -1 ? undefined : args[at + 1];
  const what = text === undefined ? `the shell ${shell}` : `the command "${text.slice(0, 200)}"`;
  return { kind: 'shell', shell, what, inner: text === undefined ? null : plainWords(text) };
}

/** 64 bits, little-endian, x86-64. */
const isForThisMachine = (head: Buffer) =>
  head.length >= 20 && head[4] === 2 && head[5] === 1 && head.readUInt16LE(18) === elfMachineX64;

function find(name: string, { tree, path, cwd }: Finder) {
  if (name === '' || name.includes('\0')) return undefined;
  const places = name.includes('/')
    ? [name.startsWith('/') ? name : `${cwd}/${name}`]
    : path.split(':').map((dir) => `${dir}/${name}`);
  for (const place of places) {
    const found = lookUp(tree, place);
    if (found?.node.kind === 'file') return { path: found.path, node: found.node };
  }
  return undefined;
}

/** A path out of the image counts as missing. */
function lookUp(tree: PathTree, path: string) {
  try {
    return tree.lookUp(path);
  } catch {
    return undefined;
  }
}

/** The home of a user, by name or number, as the image lists it. A number that is not listed has the root for its home. */
async function findHome(user: string, tree: PathTree, readStart: ReadStart): Promise<string | null> {
  const [name = ''] = user.split(':');
  const wanted = name === '' ? '0' : name;
  const list = lookUp(tree, '/etc/passwd')?.node;
  const text = list?.kind === 'file' ? Buffer.from(await readStart(list)).toString() : '';
  const isNumber = /^\d+$/.test(wanted);
  for (const line of text.split('\n')) {
    const fields = line.split(':');
    if (fields.length >= 6 && fields[isNumber ? 2 : 0] === wanted && fields[5]?.startsWith('/')) return fields[5];
  }
  return wanted === '0' || wanted === 'root' ? null : '/';
}

function readEnv(lines: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const line of lines) {
    // As runc: the name is everything before the first equals sign; a word without one sets nothing.
    const [, name, value = ''] = /^([^=\0]+)=([^\0]*)$/.exec(line) ?? [];
    if (name !== undefined) env[name] = value;
  }
  return env;
}

/** The lowest TCP port that the image declares. */
function portOf(ports: Readonly<Record<string, unknown>>): number | null {
  const numbers = Object.keys(ports).flatMap((key) => {
    const [, port] = /^(\d{1,5})(?:\/tcp)?$/.exec(key) ?? [];
    return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535 ? [Number(port)] : [];
  });
  return numbers.length > 0 ? Math.min(...numbers) : null;
}
