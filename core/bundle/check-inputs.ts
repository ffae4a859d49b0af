/** Checks the files that a bundle takes in from outside its project. */
import { readFile, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { Metafile } from 'esbuild';
import type { BundleFile } from '#core/runtime/bundle.ts';
import type { Problem } from '#shared/errors.ts';
import type { Project } from '#shared/model/project.ts';
import { undefinedIfMissing } from '../store/write-atomic.ts';
import { notTrusted } from './check-trust.ts';
import { isShim } from './node-modules.ts';

type Input = Metafile['inputs'][string];

/**
 * Warnings for the files that lie outside the project, as a monorepo's may. Files that a package manager installed, in
 * any parent folder, are not checked.
 *
 * Errors: PROJECT_NOT_TRUSTED for an untrusted project: another author's project must not carry a person's files
 * (`../../.ssh/config.txt`) into its function's answers.
 */
export async function checkInputs(project: Project, inputs: Metafile['inputs']): Promise<Problem[]> {
  const { dir } = project;
  const outside = Object.keys(inputs).filter(
    (path) => isFile(path) && !isShim(path) && isOutside(dir, resolve(dir, path)),
  );
  const problems = await Promise.all(outside.map((path) => problemOf(project, path, inputs)));
  if (!project.trusted && problems.length > 0) {
    // A file outside imports more files there: a person needs the import that leads out.
    const own = problems.filter(({ file }) => file === undefined || !file.startsWith('../'));
    throw notTrusted(project, own.length > 0 ? own : problems);
  }
  return problems;
}

/** Errors: PROJECT_NOT_TRUSTED for an untrusted project with a link to files outside. */
export async function checkBeside(project: Project, files: readonly BundleFile[]): Promise<void> {
  if (project.trusted) return;
  const problems: Problem[] = [];
  for (const { host } of files) {
    const real = host === undefined ? undefined : await realpath(host).catch(undefinedIfMissing);
    if (real === undefined || !isOutside(project.dir, real)) continue;
    problems.push({ severity: 'error', message: `Takes ${real} into its image, by a link.` });
  }
  if (problems.length > 0) throw notTrusted(project, problems);
}

/** False for esbuild's own made-up inputs: `<data:…>`, `(disabled):…`. */
const isFile = (path: string) => !/^[<(]/.test(path);

function isOutside(projectDir: string, file: string): boolean {
  for (let dir = projectDir; ; dir = dirname(dir)) {
    const place = dir === projectDir ? dir : join(dir, 'node_modules');
    if (file.startsWith(place.endsWith(sep) ? place : place + sep)) return false;
    if (dir === dirname(dir)) return true;
  }
}

async function problemOf({ dir, trusted }: Project, path: string, inputs: Metafile['inputs']): Promise<Problem> {
  const message = trusted
    ? `"${path}" lies outside the project. It is built in, but changes there are not shown, and whoever gets the project alone cannot build it.`
    : `Imports "${path}", which lies outside the project.`;
  return { severity: trusted ? 'warning' : 'error', message, ...(await placeOfImport(dir, path, inputs)) };
}

/** The first import of a file: the line that names it. */
async function placeOfImport(projectDir: string, path: string, inputs: Metafile['inputs']): Promise<Partial<Problem>> {
  const found = Object.entries(inputs).find(([, input]) => importOf(input, path) !== undefined);
  if (found === undefined) return {};
  const [importer, input] = found;
  return await placeIn(projectDir, importer, importOf(input, path)?.original);
}

/** The line of a file that names its import. Shape: `importer` is in esbuild's form. */
export async function placeIn(projectDir: string, importer: string, specifier?: string): Promise<Partial<Problem>> {
  const file = relative(projectDir, resolve(projectDir, importer)).split(sep).join('/');
  const text = await readFile(resolve(projectDir, importer), 'utf8').catch(undefinedIfMissing);
  const lines = text?.split('\n') ?? [];
  const quoted = specifier === undefined ? [] : [`'${specifier}'`, `"${specifier}"`, `\`${specifier}\``];
  const index = lines.findIndex((line) => quoted.some((words) => line.includes(words)));
  const lineText = lines[index];
  if (lineText === undefined) return { file };
  const column = Math.max(...quoted.map((words) => lineText.indexOf(words))) + 1;
  return { file, line: index + 1, column, lineText };
}

const importOf = (input: Input, path: string) => input.imports.find((one) => one.path === path);
