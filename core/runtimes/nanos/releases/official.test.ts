import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { InstallRequest } from '#core/runtime/kernels.ts';
import type { Progress } from '#shared/contract/define.ts';
import { createLayout, type Layout } from '../../../store/layout.ts';
import { createReleases, type Releases } from './releases.ts';
import { crc32c } from './server-digest.ts';
import { elf, releaseParts, tarball } from './testing/make-build.ts';
import { googHash, type ReleaseServer, startReleaseServer } from './testing/release-server.ts';

let home: string;
let layout: Layout;
let server: ReleaseServer;
let archive: Buffer;
let progress: Progress[];

const path = '0.1.54/nanos-release-linux-0.1.54.tar.gz';
const cutAt = 100_000;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-nanos-'));
  layout = createLayout({ home, env: {}, uid: process.getuid?.() ?? 0 });
  server = await startReleaseServer();
  // Made of noise, so that it stays large when packed.
  archive = await tarball({ ...releaseParts(), 'klibs/radar': Buffer.concat([elf(''), randomBytes(300_000)]) });
  server.files.set(path, archive);
  server.files.set('latest.txt', Buffer.from('0.1.54\n'));
  server.headers['x-goog-hash'] = googHash(archive);
  progress = [];
});
afterEach(async () => {
  await server.close();
  await rm(home, { recursive: true, force: true });
});

const create = (options: { baseUrl?: string; stallMs?: number } = {}): Releases =>
  createReleases({ layout, baseUrl: server.url, ...options });
const install = (request: Partial<InstallRequest> = {}, releases = create(), signal = new AbortController().signal) =>
  releases.install({ accept: true, ...request }, { signal, progress: (said) => progress.push(said) });
const inCache = async () => (await readdir(layout.runtimeDir('nanos')).catch(() => [])).sort();

describe('an official release', () => {
  it('is found by latest.txt, downloaded with progress, verified and put to use', async () => {
    const releases = create();
    expect(await install({}, releases)).toMatchObject({
      version: '0.1.54',
      source: 'official',
      inUse: true,
      modules: ['ntp', 'radar', 'tls'],
    });
    expect(server.requests).toEqual(['latest.txt', path]);
    const { kernelImg } = await releases.resolve('latest');
    expect(await readFile(kernelImg)).toEqual(releaseParts()['kernel.img']);
    expect(await inCache()).toEqual(['0.1.54']);

    const downloads = progress.filter(({ step }) => step === 'download');
    expect(downloads[0]?.fraction).toBe(0);
    expect(downloads.at(-1)?.fraction).toBe(1);
    expect(downloads.at(-1)?.message).toMatch(/^Downloading Nanos 0\.1\.54: (\d+ KiB) of \1$/);
    expect(progress.find(({ step }) => step === 'verify')?.message).toContain('md5 from x-goog-hash');
  });

  it('is not downloaded twice', async () => {
    const first = await install({ version: '0.1.54' });
    expect(await install({ version: '0.1.54' })).toEqual(first);
    expect(server.requests).toEqual([path]);
  });

  it('is verified by the digest beside it when the answer has none, or by its CRC alone', async () => {
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32c(archive));
    server.headers['x-goog-hash'] = `crc32c=${crc.toString('base64')}`;
    await install();
    expect(progress.find(({ step }) => step === 'verify')?.message).toContain('crc32c from x-goog-hash');

    await rm(join(layout.runtimeDir('nanos'), '0.1.54'), { recursive: true });
    delete server.headers['x-goog-hash'];
    server.files.set(
      path.replace('.tar.gz', '.md5'),
      Buffer.from(`${createHash('md5').update(archive).digest('hex')}\n`),
    );
    progress = [];
    await install();
    expect(progress.find(({ step }) => step === 'verify')?.message).toContain('md5 from the .md5 file');
  });

  it('is not installed when nothing shows whether it is complete', async () => {
    delete server.headers['x-goog-hash'];
    await expect(install()).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('digest'),
    });
    expect(await create().list()).toEqual([]);
  });

  it('comes whole when it is installed twice at once', async () => {
    const both = await Promise.all([install({ version: '0.1.54' }), install({ version: '0.1.54' })]);
    expect(both[0].digest).toBe(both[1].digest);
    expect(await inCache()).toEqual(['0.1.54']);
  });

  it('does not take the name of a local build', async () => {
    const releases = create();
    const from = join(home, 'nanos-release-linux-0.1.54.tar.gz');
    await writeFile(from, archive);
    await releases.install(
      { from, accept: false },
      { signal: new AbortController().signal, progress: () => undefined },
    );
    await expect(install({}, releases)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });
});

describe('a download that broke off', () => {
  it('goes on where it was', async () => {
    server.cutAfter = cutAt;
    await expect(install()).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      hint: expect.stringContaining('goes on'),
    });
    expect(await inCache()).toEqual(['.downloads']);
    server.cutAfter = null;
    server.requests.length = 0;
    await install();
    const from = Number(/bytes=(\d+)-/.exec(server.requests[1] ?? '')?.[1]);
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThanOrEqual(cutAt);
    expect(await readdir(join(layout.runtimeDir('nanos'), '.downloads'))).toEqual([]);
  });

  it('goes on after a cancel, and after the process was killed', async () => {
    server.stallAfter = cutAt;
    const abort = new AbortController();
    const cancelled = install({ version: '0.1.54' }, create(), abort.signal);
    while (!progress.some(({ fraction }) => (fraction ?? 0) > 0))
      await new Promise((resolve) => setTimeout(resolve, 5));
    abort.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });

    const work = join(layout.runtimeDir('nanos'), '.release-999999999-1.0123456789ab.fl-tmp/download');
    await mkdir(work, { recursive: true });
    await rename(join(layout.runtimeDir('nanos'), '.downloads/0.1.54'), join(work, '0.1.54'));
    server.stallAfter = null;
    await install({ version: '0.1.54' }, create());
    expect(server.requests[1]).toMatch(/bytes=\d+-$/);
  });

  it('begins anew when the server has another file now', async () => {
    server.cutAfter = cutAt;
    await expect(install()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    server.cutAfter = null;
    server.edition = 2;
    expect((await install()).version).toBe('0.1.54');
  });

  it('begins anew when more is here than there', async () => {
    server.cutAfter = cutAt;
    await expect(install()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    server.cutAfter = null;
    await writeFile(join(layout.runtimeDir('nanos'), '.downloads/0.1.54/archive'), Buffer.alloc(archive.length + 1));
    expect((await install()).version).toBe('0.1.54');
  });

  it('is not waited for without end', async () => {
    server.stallAfter = cutAt;
    await expect(install({}, create({ stallMs: 100 }))).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('it has sent nothing for 0.1 s'),
    });
  });
});

describe('a download that is refused', () => {
  it('bytes that are not what the server says it has: they go', async () => {
    server.headers['x-goog-hash'] = googHash(Buffer.from('something else'));
    await expect(install()).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      details: { output: expect.stringContaining(createHash('md5').update(archive).digest('hex')) },
    });
    expect(await inCache()).toEqual([]);
  });

  it('a broken beginning from an earlier try', async () => {
    server.cutAfter = cutAt;
    await expect(install()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    server.cutAfter = null;
    const kept = join(layout.runtimeDir('nanos'), '.downloads/0.1.54/archive');
    await writeFile(kept, Buffer.alloc((await readFile(kept)).length));
    await expect(install()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect((await install()).version).toBe('0.1.54');
  });

  it('a version that is not there', async () => {
    await expect(install({ version: '9.9.9' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'There is no Nanos release 9.9.9.',
    });
    expect(await inCache()).toEqual([]);
  });

  it('a page instead of a version', async () => {
    server.files.set('latest.txt', Buffer.from('<html>Please log in</html>'));
    await expect(install()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', hint: expect.stringContaining('0.1.54') });
  });

  it.each([
    ['another machine', releaseParts('one', 183), 'RELEASE_INVALID'],
    ['no kernel', { 'boot.img': Buffer.alloc(512) }, 'RELEASE_INVALID'],
  ])('a release for %s', async (_, parts: Record<string, Buffer>, code) => {
    const data = await tarball(parts);
    server.files.set(path, data);
    server.headers['x-goog-hash'] = googHash(data);
    await expect(install()).rejects.toMatchObject({ code });
    expect(await inCache()).toEqual([]);
  });

  it('an archive that was cut before it was published', async () => {
    const data = archive.subarray(0, archive.length / 2);
    server.files.set(path, data);
    server.headers['x-goog-hash'] = googHash(data);
    await expect(install()).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    expect(await inCache()).toEqual([]);
  });

  it('being led to another place', async () => {
    server.files.set('elsewhere', archive);
    server.redirects.set(path, `${server.url}elsewhere`);
    await expect(install()).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('redirect'),
    });
    expect(server.requests).not.toContain('elsewhere');
    expect(await inCache()).toEqual([]);
  });

  it('a server that cannot be reached: with what works instead', async () => {
    await server.close();
    await expect(install({ version: '0.1.54' })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/^Could not reach 127\.0\.0\.1:\d+: .*ECONNREFUSED/),
      hint: expect.stringMatching(/--from DIR.*Ember/),
    });
    await expect(install({ version: '0.1.54' }, create({ baseUrl: 'http://nowhere.invalid/' }))).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('nowhere.invalid'),
    });
    expect(await inCache()).toEqual([]);
  });
});

describe('the notice', () => {
  it('is asked for once, and for downloads alone', async () => {
    const refused = { code: 'NOTICE_NOT_ACCEPTED', details: { output: expect.stringMatching(/50\s+employees/) } };
    await expect(install({ accept: false })).rejects.toMatchObject(refused);
    expect(server.requests).toEqual([]);
    await install({ accept: true });
    expect(await create().notice.isAccepted()).toBe(true);
    await create().remove('0.1.54');
    expect((await install({ accept: false })).version).toBe('0.1.54');
  });
});

it('counts CRC-32C as the others do', () => {
  // Source: RFC 3720, B.4, and the check value of the catalogue of CRCs.
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.from('6789'), crc32c(Buffer.from('12345')))).toBe(0xe3069283);
});
