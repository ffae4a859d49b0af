/**
 * Packages that are copied whole beside the bundle of a function on Node.js: those that open their own files. The exact
 * file is unknown before the run, but it lies in the package or in a dependency of it.
 */
import { existsSync } from 'node:fs';
import { readdir, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { mapInBatches } from '@firstlight/files';
import type { Metafile } from 'esbuild';
import type { BundleFile } from '#core/runtime/bundle.ts';
import { readSource } from './read-source.ts';

/** The ways in which code opens files beside it: data, WebAssembly, workers, native addons. */
const opensFiles =
  /\b__dirname\b|\b__filename\b|\bimport\.meta\.(?:url|dirname|filename|resolve)\b|\brequire\.resolve\b|\bnew Worker\(|\.node["'`]|["'](?:bindings|node-gyp-build|node-pre-gyp|real-require)["']/;
const packagePattern = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/** Files that no program opens: types, maps, sources of native addons, other machines' binaries. */
const notTaken = /(?:\.map|\.d\.[cm]?ts|\.md|\.c|\.cc|\.cpp|\.h|\.hpp|\.gypi?|\.o|\.a|\.tar\.gz|\.tsbuildinfo)$/;
const otherPlatform = /^(?:darwin|win32|android|freebsd|openbsd|sunos|aix|linux-(?!x64))/;

/**
 * Names of the packages to be kept beside the bundle: those whose files in it open files, or, where the project itself would find another package by
 * that name, those that import them.
 */
export async function packagesToKeep(projectDir: string, metafile: Metafile): Promise<Set<string>> {
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const dirs = new Set<string>();
  await mapInBatches(used, async (path) => {
    const dir = packageDirOf(path);
    if (dir === undefined || dirs.has(dir)) return;
    const text = await readSource(resolve(projectDir, path)).catch(() => undefined);
    if (text !== undefined && opensFiles.test(text)) dirs.add(dir);
  });
  return await namesFor(projectDir, dirs, metafile.inputs);
}

/** The folder of the package that a file belongs to. Shape: as esbuild has the path, relative to the project. */
export const packageDirOf = (path: string): string | undefined => packagePattern.exec(path)?.[1];

/** The names by which the project finds these packages, or those that import them. */
export async function namesFor(
  projectDir: string,
  dirs: Iterable<string>,
  inputs: Metafile['inputs'],
): Promise<Set<string>> {
  const names = new Set<string>();
  const seen = new Set<string>();
  const waiting = [...dirs];
  for (let dir = waiting.pop(); dir !== undefined; dir = waiting.pop()) {
    if (seen.has(dir)) continue;
    seen.add(dir);
    const name = dir.slice(dir.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const found = findPackage(name, projectDir);
    if (found !== null && (await realpath(found)) === (await realpath(resolve(projectDir, dir)))) names.add(name);
    else waiting.push(...importersOf(dir, inputs));
  }
  return names;
}

const importersOf = (dir: string, inputs: Metafile['inputs']): string[] =>
  Object.entries(inputs).flatMap(([importer, { imports }]) => {
    const from = packageDirOf(importer);
    const isImporter = from !== undefined && from !== dir && imports.some(({ path }) => path.startsWith(`${dir}/`));
    return isImporter ? [from] : [];
  });

/** The files of packages, and of all that they need. `dirs` are absolute. Shape: in order of their places in the guest. */
export async function filesOfPackages(projectDir: string, dirs: Iterable<string>): Promise<BundleFile[]> {
  const files = new Map<string, BundleFile>();
  const seen = new Set<string>();
  const waiting = [...dirs];
  for (let dir = waiting.pop(); dir !== undefined; dir = waiting.pop()) {
    if (seen.has(dir)) continue;
    seen.add(dir);
    const real = await realpath(dir);
    const guest = guestPathOf(projectDir, dir);
    if (real !== dir) {
      // A package manager's store: the link is kept, since the package's dependencies are found from its real folder.
      files.set(guest, { guest, link: relative(dirname(guest), guestPathOf(projectDir, real)) });
    }
    if (!seen.has(real) || real === dir) await addFolder(real, guestPathOf(projectDir, real), files);
    seen.add(real);
    for (const name of await needsOf(real)) {
      const needed = findPackage(name, real);
      if (needed !== null) waiting.push(needed);
    }
  }
  return [...files.values()].sort((a, b) => (a.guest < b.guest ? -1 : 1));
}

/** Adds the files of a folder that programs may open. */
export async function addFolder(dir: string, guest: string, files: Map<string, BundleFile>): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const [path, place] = [join(dir, entry.name), `${guest}/${entry.name}`];
    if (entry.isDirectory()) {
      const isOther = basename(dir) === 'prebuilds' && otherPlatform.test(entry.name);
      if (entry.name !== 'node_modules' && !entry.name.startsWith('.') && !isOther) await addFolder(path, place, files);
    } else if (entry.isSymbolicLink()) {
      files.set(place, { guest: place, link: await readlink(path) });
    } else if (entry.isFile() && !notTaken.test(entry.name)) {
      files.set(place, { guest: place, host: path });
    }
  }
}

/** Names of the packages that a package requires at run time; none where its package.json is not one. */
async function needsOf(dir: string): Promise<string[]> {
  const fields = ['dependencies', 'optionalDependencies', 'peerDependencies'];
  const manifest = await readManifest(join(dir, 'package.json'));
  const lists = fields.map((field) => manifest[field]);
  return lists.flatMap((list) => (typeof list === 'object' && list !== null ? Object.keys(list) : []));
}

async function readManifest(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const read: unknown = JSON.parse((await readSource(path)) ?? '{}');
    return typeof read === 'object' && read !== null ? { ...read } : {};
  } catch {
    // Node.js reports one that it has to read.
    return {};
  }
}

/** The path where Node.js finds a package; null where it is not installed, as with optional ones. */
export function findPackage(name: string, from: string): string | null {
  for (let dir = from; ; dir = dirname(dir)) {
    const candidate = join(dir, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (dir === dirname(dir)) return null;
  }
}

/**
 * The path in the guest of a file of this machine: as in the project, with `/firstlight` for its folder. A package
 * installed further up, as in a monorepo, lies in `/node_modules`, where Node.js looks next.
 */
export function guestPathOf(projectDir: string, path: string): string {
  if (path.startsWith(projectDir + sep)) return `/firstlight/${relative(projectDir, path)}`;
  const at = path.indexOf('/node_modules/');
  return at === -1 ? `/node_modules/.linked${path}` : `/node_modules/${path.slice(at + '/node_modules/'.length)}`;
}
