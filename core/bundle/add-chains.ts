import type { BuildOptions } from 'esbuild';
import type { Problem } from '#shared/errors.ts';
import { chainFrom } from './import-chain.ts';

/**
 * Problems, each with the chain of imports to its file where that file is a package's. `options` are those of the build
 * that failed.
 */
export async function addChains(
  problems: readonly Problem[],
  options: BuildOptions,
  entry: string,
): Promise<Problem[]> {
  const isOfPackage = ({ severity, file }: Problem) => severity === 'error' && file?.includes('node_modules/') === true;
  if (!problems.some(isOfPackage)) return [...problems];
  const inputs = await inputsOf(options);
  return problems.map((problem) => {
    const chain = isOfPackage(problem) ? chainFrom(inputs, entry, problem.file ?? '') : null;
    return chain === null ? problem : { ...problem, message: `${problem.message} It is imported by ${chain}.` };
  });
}

/** Endings that packages import and that esbuild has no loader for. */
const notLoaded = Object.fromEntries(
  'node wasm png jpg jpeg gif ico ttf otf woff woff2 sql graphql ejs hbs yaml yml'
    .split(' ')
    .map((ending) => [`.${ending}`, 'empty' as const]),
);

/** The graph of imports, from a build that leaves missing imports unresolved. */
async function inputsOf(options: BuildOptions) {
  const { build } = await import('esbuild');
  const leaveOut = {
    name: 'firstlight-leave-out',
    setup: ({ onResolve, resolve }: import('esbuild').PluginBuild) => {
      onResolve({ filter: /./ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (kind === 'entry-point' || pluginData?.isLeaveOut) return undefined;
        // Other plugins look up imports too, with marks of their own.
        const found = await resolve(path, {
          kind,
          importer,
          resolveDir,
          pluginData: { ...pluginData, isLeaveOut: true },
        });
        if (found.errors.length > 0) return { path, external: true };
        return found.namespace === '' && !found.external ? undefined : found;
      });
    },
  };
  const loader = { ...options.loader, ...notLoaded };
  const made = await build({
    ...options,
    loader,
    sourcemap: false,
    plugins: [leaveOut, ...(options.plugins ?? [])],
  }).catch(() => null);
  return made?.metafile?.inputs ?? {};
}
