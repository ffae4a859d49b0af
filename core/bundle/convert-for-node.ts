/** Makes the form of a bundle that Node.js in a guest starts soonest with. */
import type { BundleFormat } from '#core/runtime/bundle.ts';

interface Code {
  readonly code: string;
  readonly sourceMap: string;
}

/** CommonJS packages inside an ES module call `require` for Node's own modules. On the first line: no other line moves. */
const requireInModule =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); ";

/**
 * A bundle as CommonJS, which spares the guest the loader of ES modules: some 250 ms of an emulated start. What CommonJS
 * cannot say (top-level `await`, `import.meta`) stays an ES module.
 */
export async function convertForNode(module: Code): Promise<Code & { readonly format: BundleFormat }> {
  if (!module.code.includes('import.meta')) {
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
  return { code: requireInModule + module.code, sourceMap: module.sourceMap, format: 'esm' };
}
