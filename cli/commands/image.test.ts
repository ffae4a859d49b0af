import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ImageDiff, ImageEntry, ImageInfo, ImageTree } from '#shared/model/image-tree.ts';
import { bytes } from '#shared/model/units.ts';
import { createFakeIo } from '../testing/fake-io.ts';
import { cli, type Parts } from '../testing/run-cli.ts';
import { project } from '../testing/samples.ts';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'fl-image-'));
  await writeFile(join(cwd, 'app.img'), '');
  await mkdir(join(cwd, 'greet'));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const ids = ['abcd1234', 'abcd5678', 'ef'].map((start) => start.padEnd(64, '0'));
const stored = ids.map((id, index) => ({
  id,
  runtime: 'nanos' as const,
  functionName: index === 0 ? 'greet' : null,
  bytes: bytes(1),
  createdAt: '2026-01-01T00:00:00.000Z',
  path: `/images/${id}`,
}));
const entry = (path: string, kind: ImageEntry['kind'], length = 0, target: string | null = null): ImageEntry => ({
  path,
  kind,
  bytes: bytes(length),
  storedBytes: bytes(target === null ? length : 0),
  target,
});
const tree: ImageTree = {
  partition: 'root',
  path: '/',
  entries: [
    entry('/a\nb', 'file', 1024),
    entry('/etc', 'directory'),
    entry('/etc/conf', 'file', 3072),
    entry('/lib', 'symlink', 7, 'usr/lib'),
  ],
  totals: { files: 2, directories: 1, symlinks: 1, bytes: bytes(4096), storedBytes: bytes(4096) },
  truncated: false,
};

function run(argv: readonly string[], calls: Parts['calls'], streams: Parts['streams'] = {}) {
  const parts: Parts = { calls: { 'images:list': () => stored as never, ...calls }, streams };
  return cli(['image', ...argv], parts, createFakeIo({ cwd }));
}

describe('an image is named', () => {
  const asked = async (name: string) => {
    const take = vi.fn((_: unknown) => tree);
    const result = await run(['ls', name], {
      'images:tree': take,
      'projects:list': () => [],
      'projects:open': () => project,
      'builds:build': () => ({ image: { id: 'f'.repeat(64) } }) as never,
    });
    return { ...result, image: (take.mock.calls[0]?.[0] as { image?: unknown } | undefined)?.image };
  };

  test('by a file, a project, or the beginning of an id that is the only one', async () => {
    expect((await asked('app.img')).image).toEqual({ path: join(cwd, 'app.img') });
    expect((await asked('greet')).image).toEqual({ imageId: 'f'.repeat(64) });
    expect((await asked('abcd1')).image).toEqual({ imageId: ids[0] });
  });

  test.each(['abcd', 'ef', 'nothing.img'])('and when %s is none of these, by what there is', async (name) => {
    const { exitCode, err } = await asked(name);
    expect(exitCode).toBe(2);
    expect(err).toContain(`There is no image "${name}"`);
    expect(err).toContain('abcd12340000 (greet)');
  });
});

test('ls lists a directory, a line for each entry whatever its name, and all below it with -R', async () => {
  const calls: Parts['calls'] = { 'images:tree': () => tree };
  const { out } = await run(['ls', 'app.img'], calls);
  expect(out.split('\n').slice(1)).toEqual([
    'file        1024    1024  a␊b',
    'directory                 etc/',
    'symlink                   lib -> usr/lib',
    '',
  ]);
  expect((await run(['ls', '-R', 'app.img'], calls)).out).toContain('etc/conf\n');
  const json = JSON.parse((await run(['ls', 'app.img', '--json'], calls)).out);
  expect(json.entries.map((one: ImageEntry) => one.path)).toEqual(['/a\nb', '/etc', '/lib']);
});

test('tree draws what takes most first, to a depth', async () => {
  const { out } = await run(['tree', 'app.img', '--depth', '1'], { 'images:tree': () => tree });
  expect(out.split('\n').slice(0, 4)).toEqual([
    '4.00 KiB 100 %  /',
    '3.00 KiB  75 %  ├── etc/  1 files',
    '1.00 KiB  25 %  ├── a␊b',
    '     0 B   0 %  └── lib -> usr/lib',
  ]);
  expect(out).toContain('2 files, 1 directories, 1 links: 4.00 KiB, stored in 4.00 KiB');
  expect(out).toMatch(/Takes most:\n3.00 KiB +75 % +\/etc\/conf\n/);
});

test('cat prints a file’s bytes as they are, and a failure as one', async () => {
  const take = vi.fn();
  const { out, exitCode } = await run(
    ['cat', 'app.img', '/etc/conf', '--partition', 'boot'],
    {},
    {
      'images:bytes': async (request, stream) => {
        take(request);
        await stream.write(Buffer.from('one\x1b\n'));
        await stream.write(Buffer.from('two\n'));
      },
    },
  );
  expect({ out, exitCode }).toEqual({ out: 'one\x1b\ntwo\n', exitCode: 0 });
  expect(take).toHaveBeenCalledWith(expect.objectContaining({ path: '/etc/conf', partition: 'boot' }));
  const failed = await run(['cat', 'app.img', '/x'], {}, { 'images:bytes': () => Promise.reject(new Error('broken')) });
  expect(failed.exitCode).toBe(70);
});

test('extract writes to the given path, relative to the working directory', async () => {
  const take = vi.fn((_: unknown) => ({ to: '/x', files: 2, directories: 1, symlinks: 0, bytes: bytes(10) }));
  const { out } = await run(['extract', 'app.img', 'out', '/etc'], { 'images:extract': take });
  expect(take.mock.calls[0]?.[0]).toMatchObject({ path: '/etc', to: join(cwd, 'out'), partition: 'root' });
  expect(out).toBe(`Extracted 2 files, 1 directories, 0 links, 10 B to ${join(cwd, 'out')}\n`);
});

test('save writes a project’s container image to the given folder', async () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const take = vi.fn(({ to, tag }: { to: string; tag: string }) => ({ to, tag, digest, bytes: 2048 }));
  const calls: Parts['calls'] = {
    'projects:list': () => [],
    'projects:open': () => project,
    'deploy:save': (input) => take(input),
  };
  const { out } = await run(['save', 'greet', 'layout', '--tag', 'v1'], calls);
  expect(take.mock.calls[0]?.[0]).toEqual({ projectId: project.id, engine: 'pod', to: join(cwd, 'layout'), tag: 'v1' });
  expect(out).toBe(`Saved ${join(cwd, 'layout')}:v1, 2.00 KiB\n${digest}\n`);
  const refused = await run(['save', 'greet', 'layout', '--tag', 'a/b'], calls);
  expect(refused).toMatchObject({ exitCode: 2, err: expect.stringContaining('letters, digits') });
});

test('info says what there is, a line for each', async () => {
  const info: ImageInfo = {
    path: '/app.img',
    format: 'qcow2',
    fileBytes: bytes(1024),
    allocatedBytes: bytes(512),
    diskBytes: bytes(2048),
    backing: ['/base'],
    partitions: [{ kind: 'root', start: bytes(512), bytes: bytes(1024) }],
    fileSystem: {
      partition: 'root',
      version: 4,
      label: '',
      uuid: 'u',
      bytes: bytes(1024),
      log: { reservedBytes: bytes(1024), usedBytes: bytes(10), pieces: 2 },
      freeBytes: bytes(0),
      program: '/app',
      arguments: ['app', 'x\ny'],
      environment: { A: 'b' },
      klibs: ['tls'],
      options: { debug_exit: 't', mounts: { a: '/b' } },
      warnings: ['Old.'],
    },
    sections: [],
  };
  const { out } = await run(['info', 'app.img'], { 'images:info': () => info });
  const lines = out.split('\n').map((line) => line.replace(/ {2,}/, ': '));
  expect(lines).toEqual([
    'image: /app.img',
    'format: qcow2, 1.00 KiB (512 B on this disk)',
    'builds on: /base',
    'disk: 2.00 KiB',
    'partition: root  1.00 KiB from byte 512',
    'file system: TFS version 4, root, 1.00 KiB',
    'label: (none)',
    'uuid: u',
    'log: 10 B of 1.00 KiB in 2 pieces',
    'free: 0 B',
    'program: /app',
    'argument 0: app',
    'argument 1: x␊y',
    'environment: A=b',
    'klibs: tls',
    'option: debug_exit: t',
    'option: mounts: {"a":"/b"}',
    'warning: Old.',
    '',
  ]);
  expect(JSON.parse((await run(['info', 'app.img', '--json'], { 'images:info': () => info })).out)).toEqual(info);
  const kernel: ImageInfo = {
    ...info,
    format: 'elf',
    fileSystem: null,
    sections: [{ name: '.bss', bytes: bytes(9), inFile: false }],
  };
  expect((await run(['info', 'app.img'], { 'images:info': () => kernel })).out).toMatch(/\.bss +9 +in memory only/);
});

test('diff names each difference, and exits with 0', async () => {
  const diff: ImageDiff = {
    same: false,
    truncated: false,
    changes: [
      { kind: 'added', subject: 'debug_exit', of: 'option', what: ['value'], before: null, after: 't' },
      { kind: 'removed', subject: '/a', of: 'entry', what: [], before: 'directory', after: null },
      { kind: 'changed', subject: '/b', of: 'entry', what: ['size'], before: '1 bytes', after: '2 bytes' },
      { kind: 'changed', subject: '/c', of: 'entry', what: ['content'], before: '3 bytes', after: '3 bytes' },
    ],
  };
  const { out, exitCode } = await run(['diff', 'app.img', 'abcd1'], { 'images:diff': () => diff });
  expect(exitCode).toBe(0);
  expect(out.split('\n')).toEqual([
    '+ option debug_exit  t',
    '- /a  directory',
    '~ /b  1 bytes -> 2 bytes',
    '~ /c  3 bytes, other content',
    '',
  ]);
  const json = await run(['diff', 'app.img', 'abcd1', '--json'], { 'images:diff': () => diff });
  expect(JSON.parse(json.out)).toEqual(diff);
  const same = await run(['diff', 'app.img', 'app.img'], {
    'images:diff': () => ({ ...diff, same: true, changes: [] }),
  });
  expect(same.out).toBe('The images hold the same.\n');
});

test.each(['ls', 'tree', 'cat', 'extract', 'info', 'diff'])('%s --help has an example and --json', async (command) => {
  const { exitCode, out } = await run([command, '--help'], {});
  expect(exitCode).toBe(0);
  expect(out).toContain(`$ firstlight image ${command}`);
  expect(out).toContain('--json');
});
