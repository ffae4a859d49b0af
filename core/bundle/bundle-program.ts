/** The files that go into an image as they are, and the bundle of a project that has only such files. */
import { readdir, readlink, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Bundle } from '#core/runtime/bundle.ts';
import type { OwnPath, RuntimeBundling } from '#core/runtime/images.ts';
import { sha256 } from '#core/store/digest.ts';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Project, ProjectConfig } from '#shared/model/project.ts';
import { bundleIdSchema } from '#shared/model/units.ts';
import { digestInputs, type KnownDigests } from './digest-inputs.ts';
import { valuesInImage } from './values-in-image.ts';

/** Digests of files that earlier builds of this process read. */
const known: KnownDigests = new Map();
/** A folder with more is more likely a mistake than a program. */
const maxFiles = 100_000;

/**
 * The bundle of a program's project: its inputs are the project's own files in the image. The runtime finds the
 * program's other needs.
 *
 * Errors: as `digestOwnFiles`.
 */
export async function bundleProgram(
  project: Project,
  config: ProjectConfig,
  bundling: RuntimeBundling,
  version: string,
): Promise<Bundle> {
  const inputs = await digestOwnFiles(project.dir, bundling.ownPaths(config));
  const digest = sha256(JSON.stringify([version, ...valuesInImage(config, bundling), inputs]));
  const id = bundleIdSchema.parse(digest);
  return { id, config, code: '', format: 'esm', sourceMap: '', projectDir: project.dir, inputs, warnings: [] };
}

/**
 * The files that firstlight.json takes into the image, by their content. A function's code is not among them.
 *
 * Errors: NOT_FOUND for a named file that is missing; BAD_INPUT for too many.
 */
export async function digestOwnFiles(projectDir: string, ownPaths: readonly OwnPath[]): Promise<Bundle['inputs']> {
  const paths: string[] = [];
  const inputs: Bundle['inputs'][number][] = [];
  for (const { key, path, skip } of ownPaths) {
    for await (const node of nodesIn(resolve(projectDir, path), key, skip)) {
      if (node.kind === 'file') paths.push(node.path);
      else inputs.push({ path: nearPath(projectDir, node.path), sha256: sha256(node.content), bytes: 0 });
      if (paths.length + inputs.length > maxFiles) throw tooMany(key);
    }
  }
  // Relative paths, as for a function's sources: they identify what changed.
  const { files } = await digestInputs(
    '/',
    [...new Set(paths)].map((path) => path.slice(1)),
    known,
  );
  inputs.push(...files.map((file) => ({ ...file, path: nearPath(projectDir, `/${file.path}`) })));
  return inputs.sort((a, b) => (a.path < b.path ? -1 : 1));
}

const nearPath = (dir: string, path: string) => (path.startsWith(`${dir}/`) ? path.slice(dir.length + 1) : path);

/** A part of a folder that changes an image: a file, a link with its target, or an empty folder. */
type Node =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'other'; readonly path: string; readonly content: string };

async function* nodesIn(path: string, key: string, skip?: OwnPath['skip']): AsyncGenerator<Node> {
  const stats = await stat(path).catch(undefinedIfMissing);
  if (stats === undefined) {
    throw new FirstlightError('NOT_FOUND', `${path} does not exist.`, {
      hint: `Correct "${key}" in firstlight.json.`,
      details: { subject: path },
    });
  }
  // A pipe would be read without end.
  if (!stats.isDirectory()) return void (stats.isFile() && (yield { kind: 'file', path }));
  yield* nodesBelow(path, skip);
}

async function* nodesBelow(dir: string, skip?: OwnPath['skip']): AsyncGenerator<Node> {
  const entries = await readdir(dir, { withFileTypes: true });
  if (entries.length === 0) yield { kind: 'other', path: dir, content: 'folder' };
  for (const entry of entries) {
    if (skip?.(entry.name)) continue;
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* nodesBelow(path, skip);
    else if (entry.isSymbolicLink()) yield { kind: 'other', path, content: `link to ${await readlink(path)}` };
    else if (entry.isFile()) yield { kind: 'file', path };
  }
}

const tooMany = (key: string) =>
  new FirstlightError('BAD_INPUT', `"${key}" in firstlight.json takes in more than ${maxFiles} files.`, {
    hint: 'Name the folders that are needed.',
  });
