/** The settings of esbuild for a function. */
import { join } from 'node:path';
import type { BundleEngine } from '#core/runtime/images.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { foundByName } from './found-by-name.ts';
import { type Kept, keepPackages } from './keep-packages.ts';
import { wrapLambda } from './lambda.ts';
import { nodeModules } from './node-modules.ts';
import { explainUrlImport } from './problems.ts';
import { regularInputs } from './regular-inputs.ts';
import type { Tsconfig } from './tsconfig.ts';

/** The esbuild options that depend on the engine. */
const targets = {
  bare: {
    // Of the platforms, only this one follows the map of files in a package's `browser`.
    platform: 'browser',
    // The language level of QuickJS-ng.
    target: 'es2023',
    // A package's build for browsers or workers asks for no Node.js. The package itself decides the order between
    // these.
    mainFields: ['browser', 'module', 'main'],
    conditions: ['edge-light', 'workerd', 'worker', 'browser', 'module'],
  },
  node: {
    platform: 'node',
    target: 'node18',
    mainFields: ['module', 'main'],
    conditions: ['module'],
  },
} as const satisfies Record<BundleEngine, import('esbuild').BuildOptions>;

/** The inputs of a build other than the project. */
export interface BuildMeans {
  readonly engine: BundleEngine;
  /** The globals to be marked. */
  readonly watched: Readonly<Record<string, string>>;
  readonly shimsDir: string;
  /** True when a function on a bare engine reads files. */
  readonly hasFiles: boolean;
  readonly tsconfig: Tsconfig;
  /** Packages that lie beside the bundle, on a runtime that has files. */
  readonly kept?: Kept | undefined;
}

/** The options for a project. */
export function esbuildOptions(
  projectDir: string,
  config: ProjectConfig,
  { engine, watched, shimsDir, hasFiles, tsconfig, kept }: BuildMeans,
) {
  const isBare = engine === 'bare';
  return {
    absWorkingDir: projectDir,
    // Relative: esbuild takes a `*` in it for a pattern, and a folder may well have one in its name.
    entryPoints: [`./${config.entry}`],
    outfile: join(projectDir, 'bundle.js'),
    // Without it the compiler looks for the nearest one of each file.
    ...(tsconfig.isReferenced && { tsconfig: tsconfig.path }),
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    ...targets[engine],
    loader: { '.txt': 'text', '.md': 'text', '.html': 'text', '.css': 'text', '.svg': 'text', '.bin': 'binary' },
    define: {
      // `namesInCode` lists it.
      'process.env.NODE_ENV': JSON.stringify(config.env.NODE_ENV ?? 'production'),
      // Node's name for it, which packages look for first.
      ...(isBare && { global: 'globalThis' }),
      ...watched,
    },
    sourcemap: 'external',
    sourcesContent: true,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
    plugins: [
      {
        name: 'firstlight-no-network',
        setup: (build: import('esbuild').PluginBuild) =>
          build.onResolve({ filter: /^https?:\/\// }, ({ path }) => ({ errors: [explainUrlImport(path)] })),
      },
      regularInputs,
      ...(config.convention === 'lambda' ? [wrapLambda] : []),
      ...(isBare ? [nodeModules(shimsDir, hasFiles)] : []),
      ...(kept === undefined ? [] : [keepPackages(projectDir, kept)]),
      foundByName,
    ],
  } as const satisfies import('esbuild').BuildOptions;
}
