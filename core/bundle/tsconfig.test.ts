import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorkshop, type Workshop } from './testing/bundle-and-open.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(() => shop.close());

const aliased = "import { a } from '@lib/a';\nexport default () => a;";
const paths = { '@lib/*': ['./lib/*'] };

describe('a tsconfig.json that only refers to others', () => {
  it('has its options from the one that includes the entry', async () => {
    await shop.write('lib/a.ts', "export const a = 'by alias';");
    await shop.write(
      'tsconfig.json',
      '{ "files": [], "references": [{ "path": "./tsconfig.node.json" }, { "path": "./tsconfig.app.json" }] }',
    );
    await shop.write('tsconfig.node.json', '{ "include": ["vite.config.ts", "scripts"] }');
    await shop.write('tsconfig.app.json', JSON.stringify({ compilerOptions: { paths }, include: ['*.ts', 'lib'] }));
    const { code, warnings } = await shop.bundle(aliased);
    expect(code).toContain('by alias');
    expect(warnings).toEqual([]);
  });

  it('may refer to a folder, and is warned of options without effect there', async () => {
    await shop.write('lib/a.ts', 'export const a = 1;');
    await shop.write('tsconfig.json', '{ "files": [], "references": [{ "path": "../outside" }, { "path": "./app" }] }');
    await shop.write(
      'app/tsconfig.json',
      JSON.stringify({ compilerOptions: { paths: { '@lib/*': ['../lib/*'] }, rootDirs: ['a'] }, include: ['../**/*'] }),
    );
    const { warnings } = await shop.bundle(aliased);
    expect(warnings).toMatchObject([
      { file: 'app/tsconfig.json', message: expect.stringContaining('"rootDirs" has no effect') },
    ]);
  });

  it('is as it was where no other includes the entry, or it compiles files itself', async () => {
    await shop.write('lib/a.ts', 'export const a = 1;');
    const references = [{ path: './tsconfig.app.json' }];
    await shop.write('tsconfig.app.json', JSON.stringify({ compilerOptions: { paths }, include: ['src/**/*'] }));
    await shop.write('tsconfig.json', JSON.stringify({ files: [], references }));
    await expect(shop.bundle(aliased)).rejects.toMatchObject({ code: 'BUILD_FAILED' });
    await shop.write('tsconfig.app.json', JSON.stringify({ compilerOptions: { paths } }));
    await shop.write('tsconfig.json', JSON.stringify({ references }));
    await expect(shop.bundle(aliased)).rejects.toMatchObject({ code: 'BUILD_FAILED' });
  });
});

it('a change of an extended file makes another bundle', async () => {
  await shop.write('one/a.ts', "export const a = 'one';");
  await shop.write('two/a.ts', "export const a = 'two';");
  await shop.write('tsconfig.json', '{ "extends": "./base.json" }');
  const base = (folder: string) =>
    shop.write('base.json', JSON.stringify({ compilerOptions: { paths: { '@lib/*': [`./${folder}/*`] } } }));
  await base('one');
  expect((await shop.bundle(aliased)).code).toContain('one');
  // Files that are older than the build by more than the granularity of the clock: it is then found again.
  await sleep(40);
  expect((await shop.bundle()).code).toContain('one');
  await sleep(40);
  await base('two');
  expect((await shop.bundle()).code).toContain('two');
});
