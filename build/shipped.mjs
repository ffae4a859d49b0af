// The shipped files: core/store/shipped.json and the shipped.json of each runtime, for the bundler, set-up and the
// packager. locateResources and the runtimes read them too.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './script.mjs';

/**
 * The contents of a package of Firstlight, except the npm packages in `keptPackages`.
 *
 * Shape: by name; `path` ends with "/" for a folder; a bundled file has its `source` and, in `as`, the kind of its
 * bundle; an `optional` one is absent where its source could not be fetched.
 *
 * @type {Record<string, { path: string, source?: string, as?: string, optional?: boolean }>}
 */
export const shipped = Object.assign({}, ...listFiles().map((path) => JSON.parse(readFileSync(path, 'utf8'))));

function listFiles() {
  const runtimes = join(root, 'core/runtimes');
  const own = readdirSync(runtimes).map((id) => join(runtimes, id, 'shipped.json'));
  return [join(root, 'core/store/shipped.json'), ...own.filter((path) => existsSync(path))];
}

/** The packages that find a binary or a WebAssembly file beside themselves; the bundles contain all others. */
export const keptPackages = ['esbuild', '@esbuild', 'quickjs-wasi'];

/** The patterns of the files of a package, for electron-builder. They exclude source maps. */
export const shippedPatterns = [
  ...Object.values(shipped).map(({ path }) => (path.endsWith('/') ? `${path}**` : path)),
  '!**/*.map',
  `!node_modules/!(${keptPackages.join('|')})/**`,
];

/** The bundles of one kind. Shape: entry points for esbuild: output without its extension, below dist/, to source. */
export function entryPointsOf(kind) {
  const bundles = Object.values(shipped).filter(({ as }) => as === kind);
  return Object.fromEntries(
    bundles.map(({ path, source }) => [path.replace(/^dist\//, '').replace(/\.[a-z]+$/, ''), source]),
  );
}

/** The paths of the bundles and of the guest kernels. */
export const bundledPaths = Object.values(shipped).flatMap(({ path, source }) => (source ? [path] : []));
export const guestPaths = Object.values(shipped).flatMap(({ path, optional }) =>
  path.startsWith('dist/guest/') && !optional ? [path] : [],
);
