import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openWorkshop, type Workshop } from './bundle-and-open.ts';
import { benchPackages, tryPackage } from './packages.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(() => shop.close());

/** The result of a package with this module. Node.js keeps what it has loaded: each has a name of its own. */
async function tryOne(name: string, text: string) {
  const at = join(shop.dir, 'node_modules', name);
  await mkdir(at, { recursive: true });
  await writeFile(join(at, 'package.json'), JSON.stringify({ name, version: '1.2.3' }));
  await writeFile(join(at, 'index.js'), text);
  const code = `import one from '${name}';\nexport default () => one();\n`;
  return await tryPackage(shop, shop.dir, { name, code });
}

it('is right where the guest answers as Node.js does', async () => {
  expect(await tryOne('same', 'module.exports = () => [1];')).toMatchObject({
    ...{ name: 'same', version: '1.2.3', isRight: true, problem: null },
  });
});

it('says what differs, or fails', async () => {
  const missing = await tryOne('files', "module.exports = () => typeof require('fs').readFile;");
  expect(missing).toMatchObject({ isRight: false, problem: expect.stringContaining('fs') });
  expect(await tryOne('other', 'module.exports = () => typeof Intl;')).toMatchObject({
    ...{ isRight: false, problem: 'It answers "undefined", and in Node.js "object".' },
  });
});

it('names the packages to install', async () => {
  const log = () => undefined;
  await expect(benchPackages({ log })).rejects.toMatchObject({
    ...{ code: 'BAD_INPUT', hint: expect.stringMatching(/npm install .* zod .*react-dom/) },
  });
});
