/** Lets the folder of a computed import have files that are no code. */
import { extname } from 'node:path';
import type { Plugin } from 'esbuild';

const builtIn = ['.js', '.mjs', '.cjs', '.jsx', '.ts', '.mts', '.cts', '.tsx', '.json', '.css', '.txt', '.node'];

/**
 * A module that throws when it is required, for each file without a loader in the folder of `require('./lib/' + name)`.
 * A file that an import names itself stays an error of the build.
 */
export const foundByName: Plugin = {
  name: 'firstlight-found-by-name',
  setup: (build) => {
    const hasLoader = new Set([...builtIn, ...Object.keys(build.initialOptions.loader ?? {})]);
    const named = new Set<string>();
    build.onStart(() => named.clear());
    // The compiler resolves the files of a folder without asking: what is asked for is named.
    build.onResolve({ filter: /\.[^./]+$/ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === named || hasLoader.has(extname(path))) return undefined;
      named.add((await build.resolve(path, { importer, resolveDir, kind, pluginData: named })).path);
      return undefined;
    });
    build.onLoad({ filter: /\.[^./]+$/, namespace: 'file' }, ({ path }) => {
      if (hasLoader.has(extname(path)) || named.has(path)) return undefined;
      const message = `${path.slice(path.lastIndexOf('/') + 1)} is not code: it cannot be imported.`;
      return { contents: `throw new SyntaxError(${JSON.stringify(message)});`, loader: 'js' };
    });
  },
};
