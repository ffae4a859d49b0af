import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import type { CallHandlers, Engine, StreamHandlers } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';

/**
 * An engine whose callers name files and folders of this machine only under some roots.
 *
 * A person with the page or its token could otherwise open `/` as a project and read and write all that this user may.
 * Paths inside a project are the engine's to check; these are the calls that name a place of the machine.
 *
 * Shape: `hint` explains how a person makes another place a root.
 *
 * Errors: its calls throw PATH_ESCAPES for a place that is under no root, also by a symbolic link.
 */
export function limitRoots<Limited extends Engine>(
  engine: Limited,
  roots: () => readonly string[],
  hint: () => string,
): Limited {
  const { calls, streams } = engine;
  const check = (path: string | undefined, cwd = '/') =>
    path === undefined ? Promise.resolve() : checkUnder(roots(), resolve(cwd, path), hint);
  const limited: Pick<CallHandlers, (typeof rootedCalls)[number]> = {
    'projects:open': async (input, context) => {
      await check(input.dir);
      return await calls['projects:open'](input, context);
    },
    'projects:create': async (input, context) => {
      await check(input.dir);
      return await calls['projects:create'](input, context);
    },
    'imports:examine': async (input, context) => {
      await check(placeOf(input.source, input.cwd), input.cwd);
      await check(input.program, input.cwd);
      return await calls['imports:examine'](input, context);
    },
    'imports:create': async (input, context) => {
      await check(placeOf(input.source, input.cwd), input.cwd);
      await check(input.program, input.cwd);
      await check(input.dir);
      return await calls['imports:create'](input, context);
    },
    'images:info': async (input, context) => {
      await check(fileOf(input));
      return await calls['images:info'](input, context);
    },
    'images:tree': async (input, context) => {
      await check(fileOf(input));
      return await calls['images:tree'](input, context);
    },
    'images:text': async (input, context) => {
      await check(fileOf(input));
      return await calls['images:text'](input, context);
    },
    'images:diff': async (input, context) => {
      await check(fileOf(input));
      await check(fileOf({ image: input.other }));
      return await calls['images:diff'](input, context);
    },
    'images:extract': async (input, context) => {
      await check(fileOf(input));
      await check(input.to);
      return await calls['images:extract'](input, context);
    },
    'kernels:install': async (input, context) => {
      await check(input.from);
      return await calls['kernels:install'](input, context);
    },
    'targets:add': async (input, context) => {
      if (input.kind === 'kubernetes') {
        await check(input.kubeconfig ?? undefined);
        await check(input.registryCa ?? undefined);
      }
      return await calls['targets:add'](input, context);
    },
    'deploy:start': async (input, context) => {
      await check(input.signKey);
      return await calls['deploy:start'](input, context);
    },
    'deploy:manifests': async (input, context) => {
      await check(input.signKey);
      return await calls['deploy:manifests'](input, context);
    },
    'deploy:save': async (input, context) => {
      await check(input.to);
      return await calls['deploy:save'](input, context);
    },
  };
  const limitedStreams: Pick<StreamHandlers, (typeof rootedStreams)[number]> = {
    'images:bytes': async (input, stream) => {
      await check(fileOf(input));
      await streams['images:bytes'](input, stream);
    },
  };
  return { ...engine, calls: { ...calls, ...limited }, streams: { ...streams, ...limitedStreams } };
}

/** The calls that name a place of the machine. */
export const rootedCalls = [
  'projects:open',
  'projects:create',
  'imports:examine',
  'imports:create',
  'images:info',
  'images:tree',
  'images:text',
  'images:diff',
  'images:extract',
  'kernels:install',
  'targets:add',
  'deploy:start',
  'deploy:manifests',
  'deploy:save',
] as const;

/** The streams that do. */
export const rootedStreams = ['images:bytes'] as const;

const fileOf = ({ image }: { image: { path: string } | { imageId: string } }) =>
  'path' in image ? image.path : undefined;

/** The path that a source of an import names; undefined for an image in a registry. */
function placeOf(source: string, cwd: string | undefined): string | undefined {
  const local = /^(?:oci|oci-archive|docker-archive):(.*)$/.exec(source)?.[1];
  // What follows the last colon may be a tag: the folder of the file decides.
  if (local !== undefined) return local;
  return isAbsolute(source) || source.startsWith('.') || cwd !== undefined ? source : undefined;
}

async function checkUnder(roots: readonly string[], path: string, hint: () => string): Promise<void> {
  const real = await realPathOf(path);
  for (const root of roots) {
    const realRoot = await realPathOf(root);
    if (real === realRoot || real.startsWith(realRoot === sep ? sep : realRoot + sep)) return;
  }
  throw new FirstlightError('PATH_ESCAPES', `${path} is outside the folders that this studio may open.`, {
    hint: hint(),
    details: { subject: path },
  });
}

/** The path without links, as far as it exists. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || dirname(path) === path) throw thrown;
    return join(await realPathOf(dirname(path)), basename(path));
  }
}
