import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorkshop, type Workshop } from './testing/bundle-and-open.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(() => shop.close());

const writePackage = async (name: string, json: object, files: Readonly<Record<string, string>>) => {
  await shop.write(`node_modules/${name}/package.json`, JSON.stringify({ name, ...json }));
  for (const [path, text] of Object.entries(files)) await shop.write(`node_modules/${name}/${path}`, text);
};

describe('what a package gives to browsers and workers, on Ember', () => {
  it('is taken file by file, by its map, which may leave out Node’s modules and exchange packages', async () => {
    const browser = { './net.js': './web.js', fs: false, crypto: false, util: './own-util.js', q: './own-q.js' };
    await writePackage(
      'p',
      { main: './main.js', browser },
      {
        'main.js':
          'const fs = require("fs"), crypto = require("crypto"); module.exports = [require("./net"), require("q"), require("util"), typeof fs.readFileSync, typeof crypto.createHash];',
        'net.js': 'module.exports = require("net");',
        'web.js': 'module.exports = "web";',
        'own-util.js': 'module.exports = "own util";',
        'own-q.js': 'module.exports = "own q";',
      },
    );
    await writePackage('q', {}, { 'index.js': 'module.exports = "q";' });
    const { call } = await shop.open("import p from 'p';\nimport q from 'q';\nexport default () => [...p, q];");
    expect((await call()).body).toEqual(['web', 'own q', 'own util', 'undefined', 'undefined', 'q']);
  });

  it('is said to be missing where one of its imports is, beside Node’s modules that are there', async () => {
    await writePackage('p', { main: 'main.js' }, { 'main.js': 'module.exports = [require("util"), require("net")];' });
    const building = shop.bundle("import p from 'p';\nexport default () => p;");
    await expect(building).rejects.toMatchObject({
      message: expect.stringMatching(/Cannot import "net".* imported by handler.ts → p/),
    });
  });

  it('is chosen among nested conditions and patterns', async () => {
    const exports = {
      '.': { node: './node.js', workerd: { development: './dev.js', default: './worker.js' }, default: './any.js' },
      './part/*': { browser: './web/*.js', default: './node/*.js' },
    };
    const files = ['node', 'dev', 'worker', 'any', 'web/a/b', 'node/a/b'];
    await writePackage(
      'p',
      { type: 'module', exports },
      Object.fromEntries(files.map((file) => [`${file}.js`, `export default "${file}";`])),
    );
    const { call } = await shop.open("import p from 'p';\nimport b from 'p/part/a/b';\nexport default () => [p, b];");
    expect((await call()).body).toEqual(['worker', 'web/a/b']);
  });

  it.each([
    ['p/hidden', /^handler.ts:1:\d+: The package "p" does not export "p\/hidden"/],
    ['p', /^handler.ts:1:\d+: The package "p" has no build for this runtime/],
    ['absent', /^handler.ts:1:\d+: Cannot find the package "absent". Install it/],
  ])('is said to be missing for what it is: %s', async (specifier, message) => {
    await writePackage('p', { exports: { '.': { node: './node.js' } } }, { 'node.js': '', 'hidden.js': '' });
    const building = shop.bundle(`import p from '${specifier}';\nexport default () => p;`);
    await expect(building).rejects.toMatchObject({ code: 'BUILD_FAILED', message: expect.stringMatching(message) });
  });
});

it('asking for a member of a missing global is a use of it, and no check', async () => {
  const { warnings } = await shop.bundle('export default () => [typeof Atomics.wait, typeof WebAssembly];');
  expect(warnings.map(({ message }) => message)).toEqual([expect.stringMatching(/^`Atomics` is not there/)]);
});
