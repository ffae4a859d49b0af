/** Lets the folder of a computed import have files that are no code. */
import { basename, extname, relative } from 'node:path';
import type { Message, Metafile, PartialMessage, Plugin } from 'esbuild';
import { readSource } from './read-source.ts';

const builtIn = ['.js', '.mjs', '.cjs', '.jsx', '.ts', '.mts', '.cts', '.tsx', '.json', '.css', '.txt', '.node'];

/**
 * A module that throws when it is required, for each file that is no code in the folder of `require('./lib/' + name)`: one
 * whose ending has no loader, and one without an ending that cannot be parsed (`LICENSE`). A file that an import names
 * itself stays an error of the build.
 */
export const foundByName: Plugin = {
  name: 'firstlight-found-by-name',
  setup: (build) => {
    const hasLoader = new Set([...builtIn, ...Object.keys(build.initialOptions.loader ?? {})]);
    const named = new Set<string>();
    /** The faults of files without an ending, by their paths. */
    const unparsed = new Map<string, readonly Message[]>();
    build.onStart(() => {
      named.clear();
      unparsed.clear();
    });
    // The compiler resolves the files of a folder without asking: what is asked for is named.
    build.onResolve({ filter: /\.[^./]+$/ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData?.isNamed || hasLoader.has(extname(path))) return undefined;
      // Marks of other plugins stay: without theirs, each would ask again for what the other asks.
      const found = await build.resolve(path, {
        importer,
        resolveDir,
        kind,
        pluginData: { ...pluginData, isNamed: true },
      });
      named.add(found.path);
      return undefined;
    });
    build.onLoad({ filter: /\.[^./]+$/, namespace: 'file' }, ({ path }) =>
      hasLoader.has(extname(path)) || named.has(path) ? undefined : throwing(path),
    );
    // To ask for each import without an ending would delay every build: who imports it is looked up at the end.
    build.onLoad({ filter: /(?:^|\/)[^./]+$|\.$/, namespace: 'file' }, async ({ path }) => {
      const text = await readSource(path).catch(() => undefined);
      if (text === undefined) return undefined;
      // The compiler has a loader for no ending, and none for a dot alone.
      const faults = path.endsWith('.') ? [] : await faultsOf(build, text);
      if (faults === null) return undefined;
      unparsed.set(path, faults);
      return throwing(path);
    });
    build.onEnd(({ metafile }) => {
      if (metafile === undefined || unparsed.size === 0) return undefined;
      const { absWorkingDir = '' } = build.initialOptions;
      const imported = importedIn(metafile);
      const errors = [...unparsed].flatMap(([absolute, faults]): PartialMessage[] => {
        const file = relative(absWorkingDir, absolute);
        if (!imported.has(file)) return [];
        if (faults.length === 0) return [{ text: `No loader is configured for "${basename(file)}": it is not code.` }];
        return faults.map(({ text, location }) => ({ text, location: location && { ...location, file } }));
      });
      return { errors };
    });
  },
};

function throwing(path: string): { readonly contents: string; readonly loader: 'js' } {
  const message = `${basename(path)} is not code: it cannot be imported.`;
  return { contents: `throw new SyntaxError(${JSON.stringify(message)});`, loader: 'js' };
}

/** The reasons why a text is no JavaScript; null for JavaScript. */
async function faultsOf(build: Parameters<Plugin['setup']>[0], text: string): Promise<readonly Message[] | null> {
  try {
    await build.esbuild.transform(text, { loader: 'js', logLevel: 'silent' });
    return null;
  } catch (thrown) {
    const { errors } = thrown as { errors?: readonly Message[] };
    if (errors === undefined) throw thrown;
    return errors;
  }
}

/** The files that an import names, or that the build begins with. */
function importedIn({ inputs, outputs }: Metafile): Set<string> {
  const named = Object.values(inputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  const entries = Object.values(outputs).flatMap(({ entryPoint }) => (entryPoint === undefined ? [] : [entryPoint]));
  return new Set([...named, ...entries]);
}
