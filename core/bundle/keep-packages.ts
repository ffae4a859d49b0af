/** Leaves packages out of a bundle, to be found by Node.js beside it. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import type { Plugin } from 'esbuild';
import { findPackage } from './packages-beside.ts';

/** The packages that are left out, filled while a project is built. */
export interface Kept {
  /** Names of packages. */
  readonly names: Set<string>;
  /** The folders that were imported from, absolute. */
  readonly dirs: Set<string>;
  /** Native addons of the project's own, by their names beside the bundle. */
  readonly addons: Map<string, string>;
}
export const createKept = (): Kept => ({ names: new Set(), dirs: new Set(), addons: new Map() });

const bare = /^(?:@[^/]+\/)?[^./@][^/]*/;
const namespace = 'firstlight-kept';
/** The name of a kept package's stand-in among esbuild's inputs. */
export const isStandIn = (path: string): boolean => path.startsWith(`${namespace}:`);
/** The package that an import names; undefined for a path. */
export const packageNameOf = (specifier: string): string | undefined => bare.exec(specifier)?.[0];
const realPathOf = (path: string | null) => (path === null ? null : realpathSync(path));

/**
 * Resolves imports of kept packages. A package that can be required is required, also for `import`: CommonJS has its
 * names only when it runs, and a bundle that need not be an ES module starts sooner.
 */
export function keepPackages(projectDir: string, kept: Kept): Plugin {
  const require = createRequire(join(projectDir, 'package.json'));
  return {
    name: 'firstlight-keep-packages',
    setup: (build) => {
      build.onStart(() => {
        kept.dirs.clear();
        kept.addons.clear();
      });
      build.onResolve({ filter: /^[^./]/ }, ({ path, kind, resolveDir, namespace: from }) => {
        if (from === namespace) return { path, external: true };
        const name = packageNameOf(path);
        if (name === undefined || !kept.names.has(name) || kind === 'entry-point') return undefined;
        const dir = findPackage(name, projectDir);
        // Another version, which only this importer finds.
        if (dir === null || realPathOf(findPackage(name, resolveDir)) !== realPathOf(dir)) return undefined;
        kept.dirs.add(dir);
        return canBeRequired(require, path) ? { path, namespace } : { path, external: true };
      });
      build.onResolve({ filter: /\.node$/ }, ({ path, resolveDir, importer, namespace: from }) => {
        if (from === namespace) return { path, external: true };
        const file = resolve(resolveDir, path);
        if (!path.startsWith('.') || importer.includes('/node_modules/') || !existsSync(file)) return undefined;
        kept.addons.set(basename(file), file);
        return { path: `./${basename(file)}`, namespace };
      });
      build.onLoad({ filter: /./, namespace }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)});`,
        loader: 'js',
        resolveDir: projectDir,
      }));
      // An addon is not code; the package with the addon is left out, once its files are known.
      build.onLoad({ filter: /\.node$/ }, () => ({ contents: '/* "x.node" */ module.exports = {};', loader: 'js' }));
    },
  };
}

/** True when an import can be required; an error of `require` counts as no. */
function canBeRequired(require: NodeJS.Require, specifier: string): boolean {
  try {
    const file = require.resolve(specifier);
    return (
      file.endsWith('.cjs') || (!file.endsWith('.mjs') && typeOf(dirname(file)) !== 'module') || file.endsWith('.json')
    );
  } catch {
    return false;
  }
}

/** The module format that the nearest package.json above declares. */
function typeOf(from: string): string {
  for (let dir = from; ; dir = dirname(dir)) {
    try {
      return (JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as { type?: string }).type ?? 'commonjs';
    } catch {
      if (dir === dirname(dir)) return 'commonjs';
    }
  }
}
