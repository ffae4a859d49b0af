import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallContext } from '#shared/contract/index.ts';
import { createLayout, type Layout } from '../../../store/layout.ts';
import { createReleases, type Releases } from './releases.ts';
import { elf, releaseParts, tarball, writeParts } from './testing/make-build.ts';

let home: string;
let layout: Layout;
let releases: Releases;
let changes: string[][];
const context = (): CallContext => ({ signal: new AbortController().signal, progress: () => undefined });
const install = (from: string, as?: string) => releases.install({ from, as, accept: false }, context());

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-nanos-'));
  layout = createLayout({ home: join(home, 'state'), env: {}, uid: process.getuid?.() ?? 0 });
  changes = [];
  releases = createReleases({ layout, onChange: (list) => changes.push(list.map(({ version }) => version)) });
});
afterEach(() => rm(home, { recursive: true, force: true }));

const inCache = async () => (await readdir(layout.runtimeDir('nanos')).catch(() => [])).sort();
const build = (name: string, text?: string) => writeParts(join(home, name), releaseParts(text));

describe('a local build', () => {
  it('is copied, named by its digest, put to use when it is the first, and readable by QEMU’s user', async () => {
    const release = await install(await build('build'));
    expect(release).toMatchObject({ source: 'local', inUse: true, modules: ['ntp', 'tls'], hasSymbols: false });
    expect(release.version).toBe(`local-${release.digest.slice(0, 8)}`);
    await rm(join(home, 'build'), { recursive: true });

    const files = await releases.resolve();
    expect(files).toMatchObject({ version: release.version, kernelElf: null, digest: release.digest });
    expect(await readFile(files.kernelImg)).toEqual(releaseParts()['kernel.img']);
    expect(await readFile(files.klibs.get('tls') ?? '')).toEqual(releaseParts()['klibs/tls']);
    for (const path of [files.kernelImg, files.bootImg]) expect((await stat(path)).mode & 0o777).toBe(0o644);
    expect((await stat(join(files.kernelImg, '..'))).mode & 0o777).toBe(0o755);
    expect(await inCache()).toEqual([release.version]);
  });

  it('has the same digest from a directory, a tarball, and a tarball with a folder around it', async () => {
    const parts = releaseParts();
    const around = Object.fromEntries(Object.entries(parts).map(([path, data]) => [`nanos-1/${path}`, data]));
    await writeFile(join(home, 'a.tar.gz'), await tarball(parts));
    await writeFile(join(home, 'b.tar.gz'), await tarball(around));
    const made = [await install(await build('build'), 'one')];
    made.push(await install(join(home, 'a.tar.gz'), 'two'), await install(join(home, 'b.tar.gz'), 'three'));
    expect(new Set(made.map(({ digest }) => digest)).size).toBe(1);
  });

  it('is found in a source tree, without what is not a kernel library', async () => {
    const bin = 'output/platform/pc/bin';
    await writeParts(join(home, 'nanos'), {
      [`${bin}/kernel.img`]: elf('kernel'),
      [`${bin}/kernel.elf`]: elf('symbols'),
      [`${bin}/tls`]: elf('tls'),
      [`${bin}/tls.dbg`]: elf('tls'),
      [`${bin}/test/unit`]: elf('test'),
      'output/platform/pc/boot/boot.img': releaseParts()['boot.img'] as Buffer,
    });
    expect(await install(join(home, 'nanos'), 'tree')).toMatchObject({ modules: ['tls'], hasSymbols: true });
    expect(await install(join(home, 'nanos/output'), 'output')).toMatchObject({ modules: ['tls'] });
    expect((await releases.resolve('tree')).kernelElf).toMatch(/tree\/kernel\.elf$/);
  });

  it('takes the version that its path names', async () => {
    await writeFile(join(home, 'nanos-release-linux-0.1.54.tar.gz'), await tarball(releaseParts()));
    expect((await install(join(home, 'nanos-release-linux-0.1.54.tar.gz'))).version).toBe('0.1.54');
    expect((await install(await build('0.1.53'))).version).toBe('0.1.53');
  });

  it('is not replaced by another of its name, and may come twice', async () => {
    const first = await install(await build('one'), 'mine');
    expect(await install(join(home, 'one'), 'mine')).toEqual(first);
    await expect(install(await build('two', 'two'), 'mine')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect((await releases.resolve('mine')).digest).toBe(first.digest);
    expect(await inCache()).toEqual(['mine']);
  });

  it('comes whole when it is installed twice at once', async () => {
    const from = await build('build');
    const other = createReleases({ layout });
    const both = await Promise.all([
      install(from, 'mine'),
      other.install({ from, as: 'mine', accept: false }, context()),
    ]);
    expect(both[0].digest).toBe(both[1].digest);
    expect(await inCache()).toEqual(['mine']);
    expect((await releases.resolve()).version).toBe('mine');
  });
});

describe('a source that is not a release', () => {
  const partsWithout = (name: string) => {
    const { [name]: _, ...rest } = releaseParts();
    return rest;
  };

  it.each([
    ['no kernel', partsWithout('kernel.img'), 'it has no kernel.img'],
    ['no boot code', partsWithout('boot.img'), 'it has no boot.img'],
    ['another machine', releaseParts('one', 183), 'kernel.img was built for aarch64 (ARM), not for x86_64'],
    ['a kernel that is none', { ...releaseParts(), 'kernel.img': Buffer.alloc(100) }, 'kernel.img is not an ELF file'],
    ['an empty kernel', { ...releaseParts(), 'kernel.img': Buffer.alloc(0) }, 'kernel.img is not an ELF file'],
    ['no boot sector', { ...releaseParts(), 'boot.img': Buffer.alloc(600) }, 'does not begin with a boot sector'],
    ['a klib of another machine', { ...releaseParts(), 'klibs/ntp': elf('', 243) }, 'klibs/ntp was built for riscv64'],
  ])('with %s', async (_, parts: Record<string, Buffer>, words) => {
    await writeFile(join(home, 'a.tar.gz'), await tarball(parts));
    const refused = { code: 'RELEASE_INVALID', message: expect.stringContaining(words) };
    await expect(install(await writeParts(join(home, 'build'), parts))).rejects.toMatchObject(refused);
    await expect(install(join(home, 'a.tar.gz'))).rejects.toMatchObject(refused);
    expect(await inCache()).toEqual([]);
    expect(changes).toEqual([]);
  });

  it.each([
    ['a name that climbs out', { name: '../../kernel.img' }, 'PATH_ESCAPES'],
    ['a symlink', { name: 'kernel.img', type: 'symlink' as const, linkname: '/etc/passwd' }, 'ARCHIVE_INVALID'],
    ['a hard link', { name: 'klibs/tls', type: 'link' as const, linkname: 'kernel.img' }, 'ARCHIVE_INVALID'],
    ['a file twice', { name: './boot.img' }, 'ARCHIVE_INVALID'],
  ])('a tarball with %s', async (_, header, code) => {
    await writeFile(join(home, 'a.tar.gz'), await tarball(releaseParts(), [header]));
    await expect(install(join(home, 'a.tar.gz'))).rejects.toMatchObject({ code });
    expect(await inCache()).toEqual([]);
  });

  it('a tarball that is cut short, and a file that is not a tarball', async () => {
    const whole = await tarball(releaseParts());
    await writeFile(join(home, 'cut.tar.gz'), whole.subarray(0, whole.length - 20));
    await expect(install(join(home, 'cut.tar.gz'))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    await writeFile(join(home, 'text.tar.gz'), 'this is a text\n'.repeat(100));
    await expect(install(join(home, 'text.tar.gz'))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    expect(await inCache()).toEqual([]);
  });

  it('nothing at all', async () => {
    await expect(install(join(home, 'nowhere'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(install(home)).rejects.toMatchObject({ code: 'RELEASE_INVALID' });
  });
});

describe('the release in use', () => {
  it('is the first, then the chosen one, then the newest of the others', async () => {
    await install(await build('one', 'one'), 'one');
    await install(await build('two', 'two'), 'two');
    await install(await build('three', 'three'), 'three');
    expect((await releases.resolve()).version).toBe('one');
    expect((await releases.use('two')).inUse).toBe(true);
    expect((await releases.list()).map(({ version, inUse }) => [version, inUse])).toEqual([
      ['two', true],
      ['three', false],
      ['one', false],
    ]);
    await releases.remove('two');
    expect((await createReleases({ layout }).resolve()).version).toBe('three');
    expect(changes.at(-1)).toEqual(['three', 'one']);
    await releases.remove('one');
    await releases.remove('three');
    await expect(releases.remove('three')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await inCache()).toEqual([]);
  });

  it('is missing with words on what to do', async () => {
    await expect(releases.resolve()).rejects.toMatchObject({
      code: 'RELEASE_MISSING',
      hint: expect.stringMatching(/firstlight nanos install.*--from DIR/),
    });
    await expect(releases.use('0.1.1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await install(await build('one'), 'one');
    await expect(releases.resolve('0.1.1')).rejects.toMatchObject({
      code: 'RELEASE_MISSING',
      hint: expect.stringMatching(/There are: one.*nanos install 0\.1\.1/),
    });
  });

  it('is not one that lost a byte', async () => {
    const { version } = await install(await build('one'));
    const { kernelImg } = await releases.resolve();
    await writeFile(kernelImg, 'short');
    await expect(releases.resolve()).rejects.toMatchObject({ code: 'RELEASE_MISSING' });
    expect(await releases.list()).toEqual([]);
    expect((await install(join(home, 'one'))).version).toBe(version);
    expect((await releases.resolve()).version).toBe(version);
  });
});

it('takes no version with a local build, no name without one, and no build called latest', async () => {
  const from = await build('one');
  const refused = { code: 'BAD_INPUT' };
  await expect(releases.install({ from, version: '0.1.54', accept: true }, context())).rejects.toMatchObject(refused);
  await expect(releases.install({ as: 'mine', accept: true }, context())).rejects.toMatchObject(refused);
  await expect(install(from, 'latest')).rejects.toMatchObject(refused);
});

it('leaves nothing when it is cancelled', async () => {
  const abort = new AbortController();
  const progress = () => abort.abort();
  const installing = releases.install({ from: await build('one'), accept: false }, { signal: abort.signal, progress });
  await expect(installing).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(await inCache()).toEqual([]);
});

it('ends what a killed process left', async () => {
  await layout.ensure(layout.runtimeDir('nanos'));
  const left = '.release-999999999-1.0123456789ab.fl-tmp';
  await writeParts(join(layout.runtimeDir('nanos'), left), releaseParts());
  await install(await build('one'), 'one');
  expect(await inCache()).toEqual(['one']);
});

const { FIRSTLIGHT_NANOS_DIR: nanosDir } = process.env;
it.skipIf(!nanosDir)(
  `installs a build of Nanos${nanosDir ? '' : ' (skipped: FIRSTLIGHT_NANOS_DIR names none)'}`,
  async () => {
    const release = await install(nanosDir ?? '');
    expect(release).toMatchObject({ inUse: true, modules: expect.arrayContaining(['ntp', 'strace', 'tls']) });
    const { kernelImg } = await releases.resolve();
    expect(await readFile(kernelImg)).toEqual(await readFile(join(nanosDir ?? '', 'kernel.img')));
  },
);
