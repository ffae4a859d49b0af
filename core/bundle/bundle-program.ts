/** The bundle of a project that runs a program: no code of its own, but a name for the files that go in. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { goneAsUndefined } from '#core/store/write-atomic.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Project, ProjectConfig } from '#shared/model/project.ts';
import { bundleIdSchema } from '#shared/model/units.ts';
import type { Bundle } from './bundle.ts';
import { sha256 } from './bundle-cache.ts';
import { configInImage } from './config-in-image.ts';
import { digestInputs, type KnownDigests } from './digest-inputs.ts';

/** Digests of files that earlier builds of this process read. */
const known: KnownDigests = new Map();
/** A folder with more is more likely a mistake than a program. */
const maxFiles = 100_000;

/**
 * The bundle of a program's project: its inputs are the files of the project's own that go into the image. What the
 * program needs besides is the runtime's to find.
 *
 * Errors: NOT_FOUND for a file that is named and not there; BAD_INPUT for too many.
 */
export async function bundleProgram(project: Project, config: ProjectConfig, version: string): Promise<Bundle> {
  const { nanos } = config;
  const named = [
    ...(nanos?.program === undefined ? [] : [{ key: 'program', path: nanos.program }]),
    ...(nanos?.python === undefined ? [] : [{ key: 'python.script', path: nanos.python.script }]),
    ...(nanos?.python?.packages === undefined ? [] : [{ key: 'python.packages', path: nanos.python.packages }]),
    ...(nanos?.package === undefined ? [] : [{ key: 'package', path: nanos.package }]),
    ...Object.entries(nanos?.files ?? {}).map(([guest, path]) => ({ key: `files["${guest}"]`, path })),
  ];
  const paths: string[] = [];
  for (const { key, path } of named) {
    for await (const file of filesOf(resolve(project.dir, path), key)) {
      paths.push(file);
      if (paths.length > maxFiles) throw tooMany(key);
    }
  }
  // Relative paths, as for a function's sources: what changed is told by them.
  const { files } = await digestInputs(
    '/',
    paths.map((path) => path.slice(1)),
    known,
  );
  const inputs = files.map((file) => ({ ...file, path: nearPath(project.dir, `/${file.path}`) }));
  const digest = sha256(JSON.stringify([version, ...configInImage(config), inputs]));
  const id = bundleIdSchema.parse(digest);
  return { id, config, code: '', format: 'esm', sourceMap: '', projectDir: project.dir, inputs, warnings: [] };
}

const nearPath = (dir: string, path: string) => (path.startsWith(`${dir}/`) ? path.slice(dir.length + 1) : path);

async function* filesOf(path: string, key: string): AsyncGenerator<string> {
  const stats = await stat(path).catch(goneAsUndefined);
  if (stats === undefined) {
    throw new FirstlightError('NOT_FOUND', `${path} does not exist.`, {
      hint: `Correct "nanos.${key}" in firstlight.json.`,
      details: { subject: path },
    });
  }
  if (!stats.isDirectory()) return void (yield path);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) yield* filesOf(join(path, entry.name), key);
    else if (entry.isFile()) yield join(path, entry.name);
  }
}

const tooMany = (key: string) =>
  new FirstlightError('BAD_INPUT', `"nanos.${key}" in firstlight.json takes in more than ${maxFiles} files.`, {
    hint: 'Name the folders that are needed.',
  });
