/** The one program that an image's configuration starts. */

import { posix } from 'node:path';
import type { ImageConfig } from '@firstlight/oci';
import type { PathTree } from '@firstlight/tar';
import type { ImportWarning } from '#shared/model/import.ts';
import { chooseStart } from './choose-start.ts';
import { defaultPath, lookUp, type ReadStart } from './resolve-command.ts';

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

/**
 * The program of an image, with scripts followed to their interpreters and plain shell commands freed of their shell.
 */
export async function makeRunSpec({ config }: ImageConfig, tree: PathTree, readStart: ReadStart): Promise<RunSpec> {
  const { Entrypoint, Cmd, Env, WorkingDir, User, ExposedPorts, Volumes } = config ?? {};
  const ownEnv = readEnv(Env ?? []);
  // A relative one begins at the root, as in podman; runc refuses it.
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
  const start = await chooseStart([...(Entrypoint ?? [])], [...(Cmd ?? [])], { finder, env: ownEnv, warn });
  return {
    program: start?.program ?? null,
    argv0: start?.argv0 ?? null,
    args: start?.args ?? [],
    env: { ...ownEnv, ...start?.env },
    home: await findHome(User ?? '', tree, readStart),
    cwd: start?.cwd ?? cwd,
    port: portOf(ExposedPorts ?? {}),
    volumes: Object.keys(Volumes ?? {}).filter((path) => path.startsWith('/')),
    warnings,
  };
}

/** The home of a user, by name or number, as the image lists it, whatever that is. A number that is not listed has the root for its home. */
async function findHome(user: string, tree: PathTree, readStart: ReadStart): Promise<string | null> {
  const [name = ''] = user.split(':');
  const wanted = name === '' ? '0' : name;
  const list = lookUp(tree, '/etc/passwd')?.node;
  const text = list?.kind === 'file' ? Buffer.from(await readStart(list)).toString() : '';
  const isNumber = /^\d+$/.test(wanted);
  for (const line of text.split('\n')) {
    const fields = line.split(':');
    if (fields.length >= 6 && fields[isNumber ? 2 : 0] === wanted) return fields[5] ?? '';
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
  // As runc: an empty HOME counts as none.
  if (env.HOME === '') delete env.HOME;
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
