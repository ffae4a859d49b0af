/** Declarations that let an editor complete and check a handler. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { KnownRuntime } from '#core/config/parse-config.ts';
import { relativePath } from '#core/config/project-paths.ts';
import { FirstlightError } from '#shared/errors.ts';
import { readRegularFile } from '../store/read-regular-file.ts';
import { undefinedIfMissing } from '../store/write-atomic.ts';
import { handlerTypes } from './handler-types.ts';

export interface TypeFile {
  /** Relative to the project, with `/`: `node_modules/…` for a dependency. */
  readonly path: string;
  readonly text: string;
}

/** The limits of an editor that stays fast, and of one message on the wire. */
const maxBytes = 4 << 20;
const maxFiles = 600;
/** Many times the count of the largest package. */
const maxManifestBytes = 4 << 20;
const maxDepth = 8;
/** A folder name that no package can have, for the project itself. */
export const handlerTypesPath = '.firstlight/firstlight.d.ts';

/**
 * The handler's types, the globals of its runtime, and the types of the dependencies that `package.json` names and npm
 * installed. `nodeTypesPath` is a file with Node's types, for projects that have none themselves.
 */
export async function collectTypes(
  root: string,
  globals: KnownRuntime['handlerGlobals'],
  nodeTypesPath: string,
): Promise<TypeFile[]> {
  const files: TypeFile[] = [{ path: handlerTypesPath, text: await handlerTypesWith(globals) }];
  const budget = { bytes: maxBytes };
  if (globals === 'node') files.push(...(await nodeTypes(root, nodeTypesPath)));
  for (const name of await dependenciesOf(root)) {
    for (const candidate of [name, typesPackageOf(name)]) {
      await addPackage(root, join(root, 'node_modules', candidate), files, budget);
    }
  }
  return files;
}

/** The types of a handler and the globals that its runtime declares. Node's come from Node's own types. */
export const handlerTypesWith = async (globals: KnownRuntime['handlerGlobals']): Promise<string> =>
  globals === undefined || globals === 'node' ? handlerTypes : `${handlerTypes}\n${await globals()}`;

/** Node's types, unless the project has its own. Shape: nothing where Firstlight has not been built. */
async function nodeTypes(root: string, path: string): Promise<TypeFile[]> {
  const own = await stat(join(root, 'node_modules/@types/node/package.json')).catch(undefinedIfMissing);
  const text = own === undefined ? await readFile(path, 'utf8').catch(undefinedIfMissing) : undefined;
  return text === undefined ? [] : (JSON.parse(text) as TypeFile[]);
}

async function dependenciesOf(root: string): Promise<string[]> {
  const text = await readManifest(root);
  if (text === undefined) return [];
  const names = new Set<string>();
  const manifest = parseObject(text);
  for (const field of ['dependencies', 'devDependencies'] as const) {
    for (const name of Object.keys(asObject(manifest[field]))) if (isPackageName(name)) names.add(name);
  }
  return [...names];
}

/** Types are a help: an unreadable manifest leaves them out. */
async function readManifest(dir: string): Promise<string | undefined> {
  try {
    return (await readRegularFile(join(dir, 'package.json'), maxManifestBytes))?.toString('utf8');
  } catch (thrown) {
    if (thrown instanceof FirstlightError) return undefined;
    throw thrown;
  }
}

async function addPackage(root: string, dir: string, files: TypeFile[], budget: { bytes: number }): Promise<void> {
  const manifest = await readManifest(dir);
  if (manifest === undefined) return;
  const declarations = await declarationsIn(dir, 0);
  if (declarations.length === 0) return;
  files.push({ path: relativePath(root, join(dir, 'package.json')), text: manifest });
  for (const path of declarations) {
    const { size } = await stat(path);
    if (files.length >= maxFiles || size > budget.bytes) return;
    budget.bytes -= size;
    const text = await readRegularFile(path, size);
    if (text !== undefined) files.push({ path: relativePath(root, path), text: text.toString('utf8') });
  }
}

async function declarationsIn(dir: string, depth: number): Promise<string[]> {
  const entries = (await readdir(dir, { withFileTypes: true }).catch(undefinedIfMissing)) ?? [];
  const found: string[] = [];
  // Files before folders: the files that a package's entry names lie near its top.
  entries.sort((a, b) => Number(a.isDirectory()) - Number(b.isDirectory()) || a.name.localeCompare(b.name));
  for (const entry of entries) {
    const path = join(dir, entry.name);
    if (entry.isFile() && /\.d\.[cm]?ts$/.test(entry.name)) found.push(path);
    if (entry.isDirectory() && entry.name !== 'node_modules' && depth < maxDepth && found.length < maxFiles) {
      found.push(...(await declarationsIn(path, depth + 1)));
    }
  }
  return found;
}

/** `@types/name`, and `@types/scope__name` for a package in a scope. */
const typesPackageOf = (name: string) => `@types/${name.replace(/^@/, '').replace('/', '__')}`;
const isPackageName = (name: string) => /^(@[\w.-]+\/)?[\w.-]+$/.test(name) && !name.split('/').includes('..');

function parseObject(text: string): Record<string, unknown> {
  try {
    return asObject(JSON.parse(text));
  } catch {
    // A package.json that is being edited has no dependencies to show for the moment.
    return {};
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
