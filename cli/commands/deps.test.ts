import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { emptyMain, libraryCode, mainCalling, openWorkshop, type Workshop } from '@firstlight/elf/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFakeIo } from '../testing/fake-io.ts';
import { cli } from '../testing/run-cli.ts';

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop.remove());

describe('deps', () => {
  test('shows what was found where and who needs it', async () => {
    const { exitCode, out, err } = await cli(['deps', '/usr/bin/python3']);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toMatch(/^\/usr\/bin\/python3 .* for x86-64, /);
    expect(out).toMatch(/^libc\.so\.6 +[\d.]+ MiB +\/\S+\/libc\.so\.6 +default directory +\/usr\/bin\/python3/m);
    expect(out).toMatch(/^\/lib64\/ld-linux-x86-64\.so\.2 .* interpreter /m);
    expect(out).toContain('can start other processes, and may never do so: it imports ');
  });

  test('of a static program says that it needs nothing', async () => {
    const program = await shop.compile('static', emptyMain, '-static');
    const { exitCode, out } = await cli(['deps', 'static'], {}, createFakeIo({ cwd: shop.dir }));
    expect(exitCode).toBe(0);
    expect(out).toMatch(new RegExp(`^${program}  static for x86-64, .*\nIt needs no other file\\.\n$`));
  });

  test('names what is missing, who needs it and where it was looked for, with exit code 2', async () => {
    const library = await shop.compile(
      'away/libgone.so',
      libraryCode('gone'),
      '-shared',
      '-fPIC',
      '-Wl,-soname,libgone.so',
    );
    const program = await shop.compile('lacking', mainCalling('gone'), library, '-Wl,-rpath,/opt/gone');
    const { exitCode, err } = await cli(['deps', program]);
    expect(exitCode).toBe(2);
    expect(err).toContain(`error[LIBRARY_MISSING] ${program} lacks a library that it needs, libgone.so.`);
    expect(err).toContain(`libgone.so, needed by ${program}, is in none of: /opt/gone, `);
    expect((await cli(['deps', program, '--library-path', dirname(library)])).exitCode).toBe(0);
    const json = await cli(['deps', program, '--json']);
    expect(json).toMatchObject({ exitCode: 2, err: '' });
    expect(JSON.parse(json.out)).toMatchObject({ missing: [{ name: 'libgone.so', neededBy: [program] }] });
  });

  test('takes a path in the root, or one that leads below it', async () => {
    const program = await shop.compile('rooted', emptyMain, '-static');
    await mkdir(join(shop.dir, 'root/bin'), { recursive: true });
    await cp(program, join(shop.dir, 'root/bin/app'));
    for (const named of ['/bin/app', 'bin/app', 'root/bin/app']) {
      const { exitCode, out } = await cli(['deps', named, '--root', 'root'], {}, createFakeIo({ cwd: shop.dir }));
      expect({ exitCode, out }).toEqual({ exitCode: 0, out: expect.stringMatching(/^\/bin\/app {2}static/) });
    }
  });

  test('refuses what is not a program', async () => {
    expect(await cli(['deps', '/usr/bin/ldd'])).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('is a script'),
    });
    expect(await cli(['deps', '/no/such'])).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('There is no file'),
    });
  });
});
