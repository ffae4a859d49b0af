/** Checks the files that a bundle takes in from outside its project. */
import { readFile } from 'node:fs/promises';
import { dirname, extname, join, relative, resolve, sep } from 'node:path';
import type { Metafile } from 'esbuild';
import type { Problem } from '#shared/errors.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { undefinedIfMissing } from '../store/write-atomic.ts';
import { buildFailed } from './check-project.ts';
import { isShim } from './node-modules.ts';

const codeEndings = new Set(['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.json']);

type Input = Metafile['inputs'][string];

/**
 * Warnings for the code that lies outside the project, as a monorepo's may. What a package manager installed is no
 * business of ours, wherever up the tree it did.
 *
 * Errors: BUILD_FAILED for any other file out there: a project that somebody else wrote must not carry a person's files
 * (`../../.ssh/config.txt`) into what its function answers with.
 */
export async function checkInputs(
  projectDir: string,
  config: ProjectConfig,
  inputs: Metafile['inputs'],
): Promise<Problem[]> {
  const outside = Object.keys(inputs).filter((path) => isFile(path) && !isShim(path) && isOutside(projectDir, path));
  const problems = await Promise.all(outside.map((path) => problemOf(projectDir, path, inputs)));
  if (problems.some(({ severity }) => severity === 'error')) throw buildFailed(config, problems);
  return problems;
}

/** False for what esbuild makes up itself: `<data:…>`, `(disabled):…`. */
const isFile = (path: string) => !/^[<(]/.test(path);

function isOutside(projectDir: string, path: string): boolean {
  const file = resolve(projectDir, path);
  for (let dir = projectDir; ; dir = dirname(dir)) {
    const place = dir === projectDir ? dir : join(dir, 'node_modules');
    if (file.startsWith(place.endsWith(sep) ? place : place + sep)) return false;
    if (dir === dirname(dir)) return true;
  }
}

async function problemOf(projectDir: string, path: string, inputs: Metafile['inputs']): Promise<Problem> {
  const input = inputs[path];
  // `with { type: 'text' }` makes text of code.
  const isCode = codeEndings.has(extname(path)) && (input?.with?.type ?? 'json') === 'json';
  const message = isCode
    ? `"${path}" lies outside the project. It is built in, but changes there are not shown, and whoever gets the project alone cannot build it.`
    : `Cannot import "${path}": it lies outside the project, and only code may come from there. Copy the file into the project and import it from there.`;
  return { severity: isCode ? 'warning' : 'error', message, ...(await placeOfImport(projectDir, path, inputs)) };
}

/** Where a file is imported first: the line that names it. */
async function placeOfImport(projectDir: string, path: string, inputs: Metafile['inputs']): Promise<Partial<Problem>> {
  const found = Object.entries(inputs).find(([, input]) => importOf(input, path) !== undefined);
  if (found === undefined) return {};
  const [importer, input] = found;
  return await placeIn(projectDir, importer, importOf(input, path)?.original);
}

/** The line of a file that names what it imports. Shape: `importer` as esbuild has it. */
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
