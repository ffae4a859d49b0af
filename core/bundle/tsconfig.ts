/** The TypeScript configuration of a project: that of its `tsconfig.json`, or of the file that this refers to. */
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { parse } from 'jsonc-parser';
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
/** More than any project's chain of `extends` has. */
const maxDepth = 8;

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
  const content = await readContent(main, files);
  const path = isEmptyList(content.files) ? await findReferenced(projectDir, entry, content, files) : null;
  const chosen = path ?? main;
  return { path: chosen, isReferenced: path !== null, options: await readOptions(chosen, 0, files), files };
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
    if (includes(content, relative(dirname(path), join(projectDir, entry)))) return path;
  }
  return null;
}

/** True when a configuration includes a file. Shape: `file` is relative to the configuration. */
function includes({ files, include }: Content, file: string): boolean {
  const normal = (path: string) => path.replaceAll('\\', '/').replace(/^\.\//, '');
  if (textsOf(files).some((one) => normal(one) === normal(file))) return true;
  const patterns = include === undefined && files === undefined ? ['**/*'] : textsOf(include);
  return patterns.some((pattern) => matcherOf(normal(pattern)).test(normal(file)));
}

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

/** Source: TypeScript's `include`: `*`, `?`, `**` for folders; a name without ending or wildcard is a folder. */
function matcherOf(pattern: string): RegExp {
  const bare = pattern.replace(/\/$/, '');
  const isFolder = !/[*?]|\.[^./]+$/.test(bare.split('/').at(-1) ?? '');
  const whole = bare === '.' || bare === '' ? '**/*' : isFolder ? `${bare}/**/*` : bare.replace(/\*\*$/, '**/*');
  const source = whole
    .split(/(\*\*\/|\*|\?)/)
    .map(
      (part) =>
        ({ '**/': '(?:[^/]+/)*', '*': '[^/]*', '?': '[^/]' })[part] ?? part.replace(/[.+^${}()|[\]\\]/g, '\\$&'),
    );
  return new RegExp(`^${source.join('')}$`);
}

async function readContent(path: string, files: string[]): Promise<Content> {
  files.push(path);
  const text = await readSource(path).catch(() => undefined);
  const read: unknown = text === undefined ? undefined : parse(text, [], { allowTrailingComma: true });
  return typeof read === 'object' && read !== null ? read : {};
}

/** The compiler options of a file, and of those that it extends. */
async function readOptions(path: string, depth: number, files: string[]): Promise<Record<string, unknown>> {
  if (depth > maxDepth) return {};
  const { extends: above = [], compilerOptions = {} } = await readContent(path, files);
  let options: Record<string, unknown> = {};
  for (const name of [above].flat()) {
    const from = findExtended(String(name), path);
    if (from !== null) options = { ...options, ...(await readOptions(from, depth + 1, files)) };
  }
  return { ...options, ...compilerOptions };
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
