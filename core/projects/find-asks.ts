/** The files outside its own folder that a project asks for. */
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseReference } from '@firstlight/oci';
import type { RuntimeBundling } from '#core/runtime/images.ts';
import type { Ask } from '#shared/model/ask.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { isInside } from '../config/project-paths.ts';

/** Files that the system installed, which every user may read. */
const isOfSystem = (path: string) => /^\/(?:usr|bin|sbin|lib|lib32|lib64)\//.test(path);

/**
 * The outside files that a project's configuration asks for. The imports of its code are known after a build.
 *
 * Shape: `dir` without symbolic links.
 */
export async function findAsks(
  dir: string,
  config: ProjectConfig,
  { ownPaths, sharedPaths, networkAsks }: Pick<RuntimeBundling, 'ownPaths' | 'sharedPaths' | 'networkAsks'>,
): Promise<Ask[]> {
  const asks: Ask[] = [];
  const outside = async (path: string) => {
    const named = resolve(dir, path);
    // One that is missing, or that the system refuses to follow, is told of by the build that wants it.
    const real = await realpath(named).catch(() => named);
    return isInside(dir, real) ? null : real;
  };
  for (const { key, path } of ownPaths(config)) {
    const real = await outside(path);
    if (real === null || (key === 'program' && isOfSystem(real))) continue;
    asks.push({ kind: 'file', subject: real, message: `Takes ${real} into its image ("${key}").` });
  }
  for (const { key, path } of sharedPaths?.(config) ?? []) {
    const real = await outside(path);
    if (real !== null) asks.push({ kind: 'file', subject: real, message: `Reads ${real} while it runs ("${key}").` });
  }
  const image = localImage(config, dir);
  const imagePath = image === null ? null : await outside(image);
  if (imagePath !== null) {
    asks.push({ kind: 'file', subject: imagePath, message: `Takes the image ${imagePath} ("image").` });
  }
  for (const [key, program] of Object.entries({
    node: config.node,
    'python.interpreter': config.python?.interpreter,
  })) {
    if (program === undefined) continue;
    const path = (await outside(program)) ?? resolve(dir, program);
    if (isOfSystem(path)) continue;
    asks.push({ kind: 'program', subject: path, message: `Runs ${path} on this machine when it is built ("${key}").` });
  }
  for (const name of Object.keys(config.volumes)) {
    asks.push({ kind: 'volume', subject: name, message: `Reads and writes the volume ${name} of this machine.` });
  }
  return [...asks, ...networkAsks(config)];
}

/** The path of an image on this machine; null for one of a registry, and for an invalid reference. */
function localImage({ image }: ProjectConfig, dir: string): string | null {
  if (image === undefined) return null;
  try {
    const reference = parseReference(image, dir);
    return reference.kind === 'registry' ? null : reference.path;
  } catch {
    // The build reports the fault.
    return null;
  }
}
