/** Makes the form of a bundle that Node.js in a guest starts soonest with. */
import type { BundleFormat } from '#core/runtime/bundle.ts';

interface Code {
  readonly code: string;
  readonly sourceMap: string;
}

/**
 * The names that CommonJS inside an ES module expects: `require`, and the names of its file and folder, as globals,
 * since modules often declare such names for themselves. On the first line: no other line moves.
 */
export const commonJsInModule =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); " +
  'globalThis.__filename ??= require("node:url").fileURLToPath(import.meta.url); globalThis.__dirname ??= require("node:path").dirname(globalThis.__filename); ';

/**
 * A bundle as CommonJS, which spares the guest the loader of ES modules: some 250 ms of an emulated start. A module
 * that CommonJS cannot express (top-level `await`, `import.meta`, a package that is `hasModulesOnly`) stays an ES
 * module.
 */
export async function convertForNode(
  module: Code,
  hasModulesOnly = false,
): Promise<Code & { readonly format: BundleFormat }> {
  if (!hasModulesOnly && !module.code.includes('import.meta')) {
    const { transform } = await import('esbuild');
    const map = Buffer.from(module.sourceMap).toString('base64');
    const input = `${module.code}\n//# sourceMappingURL=data:application/json;base64,${map}`;
    const made = await transform(input, {
      format: 'cjs',
      platform: 'node',
      target: 'node18',
      sourcemap: 'external',
      sourcefile: 'bundle.js',
      charset: 'utf8',
      legalComments: 'none',
      logLevel: 'silent',
    }).catch(() => null);
    if (made !== null) return { code: made.code, sourceMap: made.map, format: 'cjs' };
  }
  return { code: commonJsInModule + module.code, sourceMap: module.sourceMap, format: 'esm' };
}
