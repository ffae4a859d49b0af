/** Compiles the script of a worker: Node.js in the guest runs no TypeScript and finds no other files of the project. */
import { build } from 'esbuild';
import type { ProjectConfig } from '#shared/model/project.ts';
import { rebuildBeside, type Script } from './beside.ts';
import { buildFailed } from './check-project.ts';
import { commonJsInModule } from './convert-for-node.ts';
import { type BuildMeans, esbuildOptions } from './esbuild-options.ts';
import { createKept, isStandIn } from './keep-packages.ts';
import { toProblems } from './problems.ts';

/** The members of `import.meta`, in CommonJS. */
const metaInCommonJs = {
  'import.meta.url': '__moduleUrl',
  'import.meta.dirname': '__dirname',
  'import.meta.filename': '__filename',
};
const urlInCommonJs = "const __moduleUrl = require('node:url').pathToFileURL(__filename).href;";

/**
 * A script as one file that Node.js runs by the script's own name: `.mjs` as an ES module, anything else as CommonJS.
 *
 * Errors: BUILD_FAILED.
 */
export async function compileScript(
  projectDir: string,
  config: ProjectConfig,
  path: string,
  means: BuildMeans,
): Promise<Script> {
  const kept = createKept();
  const isModule = path.endsWith('.mjs');
  const options = esbuildOptions(projectDir, { ...config, entry: path, convention: 'firstlight' }, { ...means, kept });
  const { outputFiles, metafile } = await rebuildBeside(projectDir, kept, () =>
    build({
      ...options,
      sourcemap: false,
      format: isModule ? 'esm' : 'cjs',
      ...(isModule
        ? { banner: { js: commonJsInModule } }
        : { banner: { js: urlInCommonJs }, define: { ...options.define, ...metaInCommonJs } }),
    }).catch((thrown: Partial<import('esbuild').BuildFailure>) => {
      if (thrown.errors === undefined) throw thrown;
      throw buildFailed(config, toProblems(thrown.errors, 'error'));
    }),
  );
  const paths = Object.keys(metafile.inputs).filter((input) => !isStandIn(input));
  return { code: outputFiles[0]?.text ?? '', paths, kept };
}
