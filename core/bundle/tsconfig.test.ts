import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorkshop, type Workshop } from './testing/bundle-and-open.ts';
import { readTsconfig } from './tsconfig.ts';

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

describe('a hostile tsconfig.json', () => {
  const read = () => readTsconfig(shop.dir, 'handler.ts');

  it('that extends itself many times, also through others, is read once', async () => {
    const many = (...names: string[]) => JSON.stringify({ extends: Array(30).fill(names).flat() });
    await shop.write('tsconfig.json', many('./tsconfig.json', './tsconfig', './a.json', './b.json'));
    await shop.write('a.json', many('./b.json', './tsconfig.json'));
    await shop.write('b.json', '{ "extends": ["./a.json"], "compilerOptions": { "target": "es2020" } }');
    const { files, options } = await read();
    expect(files.map((path) => basename(path))).toEqual(['tsconfig.json', 'tsconfig.json', 'a.json', 'b.json']);
    expect(options).toEqual({ target: 'es2020' });
  });

  it('that leads to files without end is read in part', async () => {
    const names = Array.from({ length: 5_000 }, (_, index) => `./none-${index}.json`);
    await shop.write('tsconfig.json', JSON.stringify({ extends: names, compilerOptions: { strict: true } }));
    expect((await read()).options).toEqual({ strict: true });
    await shop.write('tsconfig.json', JSON.stringify({ files: [], references: names.map((path) => ({ path })) }));
    const { files, isReferenced } = await read();
    expect(isReferenced).toBe(false);
    expect(files.length).toBeLessThan(1_000);
  });

  it('that is nested deeply is left to the compiler', async () => {
    await shop.write('tsconfig.json', '{"a":'.repeat(100_000));
    expect((await read()).options).toEqual({});
  });

  it('with many wildcards is not tried in all ways', async () => {
    await shop.write('tsconfig.json', '{ "files": [], "references": [{ "path": "./a.json" }] }');
    await shop.write('a.json', JSON.stringify({ include: [`${'**/a/'.repeat(40)}b.ts`] }));
    const entry = `${'a/'.repeat(80)}c.ts`;
    expect((await readTsconfig(shop.dir, entry)).isReferenced).toBe(false);
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
