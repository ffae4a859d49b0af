import { expect, it } from 'vitest';
import { warnOfComputedImports } from './warn-of-computed-imports.ts';

const warn = async (engine: 'bare' | 'node', text: string) =>
  (await warnOfComputedImports(engine, { inputs: { 'a.ts': { bytes: 1, imports: [] } } }, async () => text)).map(
    ({ line, column }) => [line, column],
  );

it('warns of an import that names no file', async () => {
  expect(await warn('bare', "const name = './a.js';\nexport default () => import(name);")).toEqual([[2, 22]]);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code.
  expect(await warn('bare', 'import(`${dir}/a.js`); require(name + ".js");')).toEqual([
    [1, 1],
    [1, 24],
  ]);
  expect(await warn('node', 'await import(process.env.PLUGIN);')).toEqual([[1, 7]]);
});

it('says nothing of imports that name a file or a folder, of comments, and of other functions', async () => {
  const code = [
    "import('./a.js'); import(`./b.js`); require('c');",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code.
    'import(`./lib/${name}.js`);',
    "require('./lib/' + name);",
    '// import(name)',
    'module.require(name); my_import(name); import.meta.resolve(name);',
  ].join('\n');
  expect(await warn('bare', code)).toEqual([]);
  expect(await warn('node', "import(new URL('./a.mjs', import.meta.url)); import(`node:fs`);")).toEqual([]);
  expect(await warn('node', "require(require.resolve('./a.json'));")).toEqual([]);
  expect(await warn('node', 'const require = createRequire(import.meta.url); require(name);')).toEqual([]);
});
