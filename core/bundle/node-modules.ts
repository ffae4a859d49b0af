/** Node's modules that a bare engine is given: those that need no system, as shims. */
import { join } from 'node:path';
import type { Plugin } from 'esbuild';

/** Files in `Resources.shimsDir`/node, by import. */
const files: ReadonlyMap<string, string> = new Map([
  ...['assert', 'buffer', 'crypto', 'events', 'path', 'process', 'punycode', 'querystring', 'stream'].map(same),
  ...['string_decoder', 'timers', 'url', 'util'].map(same),
  ['assert/strict', 'assert-strict'],
  ['path/posix', 'path'],
  ['stream/promises', 'stream-promises'],
  ['timers/promises', 'timers-promises'],
]);
function same(name: string): [string, string] {
  return [name, name];
}

/** The modules that read files, for a function that has some. */
const fileModules: ReadonlyMap<string, string> = new Map([
  ['fs', 'fs'],
  ['fs/promises', 'fs-promises'],
]);

/** The imports of Node's modules that have a shim. */
export const shimmedModules: readonly string[] = [...files.keys()];
export const readsFiles = (module: string): boolean => fileModules.has(module);
/** Code only: a person's own import that looks like this is loaded as code and as nothing else. */
const shimFile = /(?:^|\/)dist\/shims\/node\/[a-z_-]+\.js$/;

/** The shims among the files of a bundle, by name. */
export const modulesAmong = (paths: Iterable<string>): ReadonlySet<string> =>
  new Set([...paths].flatMap((path) => (isShim(path) ? [/([^/]+)\.js$/.exec(path)?.[1] ?? ''] : [])));
export const isShim = (path: string): boolean => shimFile.test(path);

/**
 * Resolves imports of Node's modules. A package that the project has installed by such a name comes first, as with
 * every bundler for browsers.
 */
export function nodeModules(shimsDir: string, hasFiles: boolean): Plugin {
  const known = new Map(hasFiles ? [...files, ...fileModules] : files);
  const shimmed = new RegExp(`^(?:node:)?(?:${[...known.keys()].join('|')})/?$`);
  return {
    name: 'firstlight-node-modules',
    setup: (build) =>
      build.onResolve({ filter: shimmed }, async ({ path, resolveDir, importer, kind, pluginData }) => {
        if (pluginData?.isOurs) return undefined;
        const shim = { path: join(shimsDir, 'node', `${known.get(path.replace(/^node:|\/$/g, ''))}.js`) };
        // The shims import one another.
        if (path.startsWith('node:') || isShim(importer)) return shim;
        const found = await build.resolve(path, {
          resolveDir,
          importer,
          kind,
          pluginData: { ...pluginData, isOurs: true },
        });
        if (found.errors.length > 0) return shim;
        // Without a namespace it is one that the package does without (`"browser": {"util": false}`), as esbuild knows.
        return found.namespace === '' ? undefined : found;
      }),
  };
}
