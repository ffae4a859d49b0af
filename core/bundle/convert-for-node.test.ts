import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { convertForNode } from './convert-for-node.ts';
import { locateStack } from './map-stack.ts';

/** Bundles one file as the bundler does. */
async function compile(source: string) {
  const { outputFiles } = await build({
    stdin: { contents: source, sourcefile: 'handler.ts', loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    sourcemap: 'external',
    outfile: 'bundle.js',
  });
  const text = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? '';
  return { code: text('.js'), sourceMap: text('.map') };
}

/** The place of a text in code. Units: from 1. */
function placeOf(code: string, text: string) {
  const before = code.slice(0, code.indexOf(text)).split('\n');
  return `bundle.js:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

describe('a bundle for Node.js', () => {
  it('is CommonJS, and its map still leads to the source', async () => {
    const made = await convertForNode(
      await compile(
        '// a comment\n\nexport default function handler(event: object) {\n  throw new Error("here");\n}\n',
      ),
    );
    expect(made.format).toBe('cjs');
    const exports = {} as { default?: (event: object) => void };
    const module = { exports };
    new Function('module', 'exports', 'require', made.code)(module, exports, () => ({}));
    expect(() => module.exports.default?.({})).toThrow('here');
    const at = locateStack(made, `    at handler (${placeOf(made.code, 'new Error("here")')})`);
    expect(at).toMatchObject({ file: 'handler.ts', line: 4 });
  });

  it.each([
    ['top-level await', 'const x = await Promise.resolve(1);\nexport default () => x;\n'],
    ['import.meta', 'export default () => import.meta.url;\n'],
  ])('stays an ES module with %s, whose lines do not move', async (_, source) => {
    const compiled = await compile(source);
    const made = await convertForNode(compiled);
    expect(made.format).toBe('esm');
    expect(made.code.split('\n').length).toBe(compiled.code.split('\n').length);
    expect(made.code.endsWith(compiled.code)).toBe(true);
  });
});
