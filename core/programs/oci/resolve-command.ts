/** The program that the words of a command lead to in an image. */
import type { TreeNode } from '@firstlight/files';
import type { PathTree } from '@firstlight/tar';

/** The first bytes of a file of the tree: enough for a list of users. */
export type ReadStart = (node: Extract<TreeNode, { kind: 'file' }>) => Promise<Uint8Array>;

/** The search path of Linux without a PATH. */
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const shells = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'rbash']);
/** A script's interpreter may be a script: Linux follows four. */
const maxScripts = 4;
const elfMachineX64 = 0x3e;

export type Command =
  | { readonly kind: 'program'; readonly program: string; readonly argv0: string; readonly args: readonly string[] }
  /** `shell`: what to leave out; `text`: the shell's commands, where they are known; `positional`: `$0` and the words after it. */
  | {
      readonly kind: 'shell';
      readonly shell: string;
      readonly what: string;
      readonly text: string | null;
      readonly positional: readonly string[];
    }
  | { readonly kind: 'missing' | 'architecture'; readonly why: string };

export interface Finder {
  readonly tree: PathTree;
  readonly readStart: ReadStart;
  readonly path: string;
  readonly cwd: string;
}

/** The program of a command, with scripts followed to their interpreters. */
export async function resolveCommand(words: readonly string[], finder: Finder): Promise<Command> {
  let [name = '', ...args] = words;
  let script: string | null = null;
  for (let scripts = 0; scripts <= maxScripts; scripts++) {
    const found = find(name, finder);
    if (found === undefined) return { kind: 'missing', why: `${name}, which the image starts, is not in it.` };
    if (/(^|\/)busybox$/.test(name) && shells.has(args[0] ?? '')) [name = '', ...args] = args;
    if (shells.has(name.split('/').at(-1) as string)) return asShell(name, args, script);
    const head = Buffer.from(await finder.readStart(found.node));
    if (head[0] === 0x7f && head.subarray(1, 4).toString('latin1') === 'ELF') {
      if (isForThisMachine(head)) return { kind: 'program', program: found.path, argv0: name, args };
      return { kind: 'architecture', why: `${found.path} is not a program for x86-64.` };
    }
    const line = /^#![ \t]*([^\s\0]+)[ \t]*([^\n\0]*)/.exec(head.toString('latin1'));
    if (line === null) return { kind: 'architecture', why: `${found.path} is neither an ELF program nor a script.` };
    const [, interpreter = '', option = ''] = line;
    script = head.toString('utf8');
    const called = [found.path, ...args];
    const isEnv = /(^|\/)env$/.test(interpreter);
    const given = option.trim().replace(/^-S\s+/, '');
    [name = '', ...args] = isEnv
      ? [...given.split(/\s+/), ...called]
      : [interpreter, ...(given ? [given] : []), ...called];
  }
  return { kind: 'missing', why: `${words[0]} is a script for a script for a script.` };
}

function asShell(shell: string, args: readonly string[], script: string | null): Command {
  if (script !== null) {
    // The options of its first line come first, and do not start with what it is called by.
    const positional = args.slice(args.findIndex((arg) => !arg.startsWith('-')));
    const what = `the script ${positional[0]}`;
    return { kind: 'shell', shell: what, what, text: script, positional };
  }
  const at = args.findIndex((arg) => /^-[a-z]*c[a-z]*$/.test(arg));
  const text = at === -1 ? undefined : args[at + 1];
  const what = text === undefined ? `the shell ${shell}` : `the command "${text.slice(0, 200)}"`;
  return { kind: 'shell', shell, what, text: text ?? null, positional: [args[at + 2] ?? shell, ...args.slice(at + 3)] };
}

/** 64 bits, little-endian, x86-64. */
const isForThisMachine = (head: Buffer) =>
  head.length >= 20 && head[4] === 2 && head[5] === 1 && head.readUInt16LE(18) === elfMachineX64;

/** A file of the image by the name that a command has for it. */
export function find(name: string, { tree, path, cwd }: Finder) {
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
export function lookUp(tree: PathTree, path: string) {
  try {
    return tree.lookUp(path);
  } catch {
    return undefined;
  }
}
