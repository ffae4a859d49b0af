/** A source file by its path in the project. */
export interface SourceText {
  readonly path: string;
  readonly text: string;
}

const sourceName = /\.[mc]?[jt]sx?$/;
/** `from './a'`, `import './a'`, `import('./a')`, `require('./a')`; only relative ones refer to project files. */
const specifierPattern = /(\b(?:from|import|require)\s*\(?\s*)(['"])(\.{1,2}\/[^'"\n]*)\2/g;

/** `new URL('./a', import.meta.url)`: the address of a file beside the module, with or without `./`. */
const addressPattern = /(\bnew\s+URL\(\s*)(['"])(?![a-z][a-z\d+.-]*:|\/)([^'"\n]+)\2(?=\s*,\s*import\.meta\.url\b)/gi;

/** The files whose imports change when a file gets another path, with their new text; the renamed file by its new path. */
export function renameImports(files: readonly SourceText[], from: string, to: string): readonly SourceText[] {
  const paths = new Set(files.map(({ path }) => path));
  return files.flatMap(({ path, text }) => {
    if (!sourceName.test(path)) return [];
    const after = path === from ? to : path;
    const follow = (
      resolve: typeof resolveSource,
      write: typeof specifierTo,
    ): ((whole: string, before: string, quote: string, specifier: string) => string) => {
      return (whole, before, quote, specifier) => {
        const target = resolve(path, specifier, paths);
        if (target === null || (target !== from && path !== from)) return whole;
        const moved = target === from ? to : target;
        return `${before}${quote}${write(after, moved, specifier, target)}${quote}`;
      };
    };
    const next = text
      .replace(specifierPattern, follow(resolveSource, specifierTo))
      .replace(addressPattern, follow(resolveExactly, relativePath));
    return next === text ? [] : [{ path: after, text: next }];
  });
}

/** The project file at a relative address; null when there is none. */
function resolveExactly(importer: string, address: string, paths: ReadonlySet<string>): string | null {
  const path = join(importer.split('/').slice(0, -1), address.split('/'));
  return path !== null && paths.has(path) ? path : null;
}

/** The project file that a relative import refers to; null when there is none. */
function resolveSource(importer: string, specifier: string, paths: ReadonlySet<string>): string | null {
  const base = join(importer.split('/').slice(0, -1), specifier.split('/'));
  if (base === null) return null;
  const stem = base.replace(/\.([mc]?)jsx?$/, '');
  const endings = ['.ts', '.tsx', '.js', '.jsx', '.mts', '.mjs', '.cts', '.cjs', '.json'];
  const candidates = [
    base,
    ...endings.map((ending) => `${base}${ending}`),
    ...(stem === base ? [] : endings.map((ending) => `${stem}${ending}`)),
    ...endings.map((ending) => `${base}/index${ending}`),
  ];
  return candidates.find((candidate) => paths.has(candidate)) ?? null;
}

function relativePath(importer: string, target: string): string {
  const here = importer.split('/').slice(0, -1);
  const there = target.split('/');
  while (here.length > 0 && here[0] === there[0] && there.length > 1) {
    here.shift();
    there.shift();
  }
  return `${here.length === 0 ? './' : '../'.repeat(here.length)}${there.join('/')}`;
}

/** A specifier for a file in the form of an earlier one: with its ending, with `.js` for a `.ts`, or without. */
function specifierTo(importer: string, target: string, earlier: string, earlierTarget: string): string {
  const path = relativePath(importer, target);
  const ending = /\.\w+$/.exec(earlier.split('/').at(-1) ?? '')?.[0];
  if (ending === undefined) return path.replace(/(\/index)?\.\w+$/, '');
  return earlierTarget.endsWith(ending) ? path : path.replace(/\.([mc]?)tsx?$/, '.$1js');
}

function join(folder: readonly string[], parts: readonly string[]): string | null {
  const out = [...folder];
  for (const part of parts) {
    if (part === '.' || part === '') continue;
    if (part !== '..') out.push(part);
    else if (out.pop() === undefined) return null;
  }
  return out.join('/');
}
