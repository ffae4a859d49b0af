/** The TypeScript configuration of a project: that of its `tsconfig.json`, or of the file that this refers to. */
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { parse } from 'jsonc-parser';
import { isGlobOf } from './glob.ts';
import { readSource } from './read-source.ts';

export interface Tsconfig {
  /** The file that has the options of the entry. */
  readonly path: string;
  /** True for a file that `tsconfig.json` refers to: the compiler does not find it by itself. */
  readonly isReferenced: boolean;
  /** The compiler options, with those of the files that it extends. */
  readonly options: Readonly<Record<string, unknown>>;
  /** All files that were read or looked for. */
  readonly files: readonly string[];
}

const fileName = 'tsconfig.json';
/** More than the files of any project's configuration, by `extends` and `references` together. */
const maxFiles = 200;
/** No file of this kind is longer; a longer one is left to the compiler. Units: characters. */
const maxLength = 1 << 20;

interface Content {
  readonly extends?: string | string[];
  readonly compilerOptions?: object;
  readonly files?: unknown;
  readonly include?: unknown;
  readonly references?: unknown;
}

/**
 * The configuration for an entry. A `tsconfig.json` that compiles nothing itself, as templates of today have it, names
 * others by `references`: the first one counts that includes the entry.
 *
 * Source: TypeScript's handbook, "Project References"; esbuild reads no references.
 */
export async function readTsconfig(projectDir: string, entry: string): Promise<Tsconfig> {
  const files: string[] = [];
  const main = join(projectDir, fileName);
  const content = (await readContent(main, files)) ?? {};
  const path = isEmptyList(content.files) ? await findReferenced(projectDir, entry, content, files) : null;
  const chosen = path ?? main;
  const options = await readOptions(chosen, new Map(), files);
  return { path: chosen, isReferenced: path !== null, options, files };
}

const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0;

async function findReferenced(
  projectDir: string,
  entry: string,
  { references }: Content,
  files: string[],
): Promise<string | null> {
  if (!Array.isArray(references)) return null;
  for (const reference of references) {
    const named = (reference as { path?: unknown } | null)?.path;
    if (typeof named !== 'string') continue;
    const at = resolve(projectDir, named);
    const path = at.endsWith('.json') ? at : join(at, fileName);
    // Another project's file is not this one's to read.
    if (!path.startsWith(projectDir + sep)) continue;
    const content = await readContent(path, files);
    if (content !== null && includes(content, relative(dirname(path), join(projectDir, entry)))) return path;
  }
  return null;
}

/** True when a configuration includes a file. Shape: `file` is relative to the configuration. */
function includes({ files, include }: Content, file: string): boolean {
  const normal = (path: string) => path.replaceAll('\\', '/').replace(/^\.\//, '');
  if (textsOf(files).some((one) => normal(one) === normal(file))) return true;
  const patterns = include === undefined && files === undefined ? ['**/*'] : textsOf(include);
  return patterns.some((pattern) => isGlobOf(wholePattern(normal(pattern)), normal(file)));
}

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

/** The pattern for files. Source: TypeScript's `include`: a name without ending or wildcard is a folder. */
function wholePattern(pattern: string): string {
  const bare = pattern.replace(/\/$/, '');
  const isFolder = !/[*?]|\.[^./]+$/.test(bare.split('/').at(-1) ?? '');
  if (bare === '.' || bare === '') return '**/*';
  return isFolder ? `${bare}/**/*` : bare.replace(/\*\*$/, '**/*');
}

/** The content of a file; null for one that is missing, cannot be read, or is nested too deeply. */
async function readContent(path: string, files: string[]): Promise<Content | null> {
  if (files.length >= maxFiles) return null;
  files.push(path);
  try {
    const text = await readSource(path);
    if (text === undefined || text.length > maxLength) return null;
    const read: unknown = parse(text, [], { allowTrailingComma: true });
    return typeof read === 'object' && read !== null ? read : null;
  } catch {
    // The compiler reports it.
    return null;
  }
}

/**
 * The compiler options of a file, and of those that it extends. Each file is read once, however many extend it; `known`
 * has what was read, and for a file that extends itself what is known until then.
 */
async function readOptions(
  path: string,
  known: Map<string, Record<string, unknown>>,
  files: string[],
): Promise<Record<string, unknown>> {
  const before = known.get(path);
  if (before !== undefined) return before;
  known.set(path, {});
  const { extends: above = [], compilerOptions = {} } = (await readContent(path, files)) ?? {};
  let options: Record<string, unknown> = {};
  for (const name of new Set([above].flat())) {
    const from = files.length < maxFiles ? findExtended(String(name), path) : null;
    if (from !== null) options = { ...options, ...(await readOptions(from, known, files)) };
  }
  options = { ...options, ...compilerOptions };
  known.set(path, options);
  return options;
}

function findExtended(name: string, from: string): string | null {
  if (/^\.{0,2}\//.test(name)) return resolve(dirname(from), name.endsWith('.json') ? name : `${name}.json`);
  const require = createRequire(from);
  for (const candidate of [name, `${name}.json`, `${name}/tsconfig.json`]) {
    try {
      return require.resolve(candidate);
    } catch {
      // The next one, or none: esbuild reports a missing file.
    }
  }
  return null;
}
