import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCore } from '#core/engine/create-core.ts';
import { ember } from '#core/runtimes/ember/definition.ts';
import { defineNanos } from '#core/runtimes/nanos/definition.ts';
import { releaseParts, tarball, writeParts } from '#core/runtimes/nanos/releases/testing/make-build.ts';
import {
  googHash,
  type ReleaseServer,
  startReleaseServer,
} from '#core/runtimes/nanos/releases/testing/release-server.ts';
import { locateResources } from '#core/store/resources.ts';
import { main } from '../program.ts';
import { createFakeIo, type FakeIo } from '../testing/fake-io.ts';

let home: string;
let server: ReleaseServer;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-cli-nanos-'));
  server = await startReleaseServer();
  const archive = await tarball(releaseParts());
  server.files.set('latest.txt', Buffer.from('0.1.54\n'));
  server.files.set('0.1.54/nanos-release-linux-0.1.54.tar.gz', archive);
  server.headers['x-goog-hash'] = googHash(archive);
});
afterEach(async () => {
  await server.close();
  await rm(home, { recursive: true, force: true });
});

/** Runs a command line on the real engine, with a server of releases on loopback. */
async function run(argv: readonly string[], io: FakeIo) {
  const open = () =>
    createCore({
      resources: locateResources(),
      home: join(home, 'state'),
      env: {},
      // Nothing here starts a machine, so no libvirt is needed.
      uri: 'qemu+unix:///system?socket=/nonexistent',
      runtimes: [ember, defineNanos({ releasesUrl: server.url })],
    });
  const exitCode = await main(argv, io, open);
  return { exitCode, out: io.out(), err: io.err() };
}

const nanos = (argv: string, io = createFakeIo({ cwd: home })) => run(['nanos', ...argv.split(' ')], io);
const kernel = (argv: string, io = createFakeIo({ cwd: home })) => run(['kernel', ...argv.split(' ')], io);

/** A terminal at which a person types a line. */
function terminal(typed: string): FakeIo {
  const io = createFakeIo({ cwd: home });
  Object.assign(io.stdin, { isTTY: true });
  Object.assign(io.stderr, { isTTY: true });
  io.stdin.end(typed);
  return io;
}

describe('install', () => {
  test('without a terminal asks for --accept, with the notice, and exit code 2', async () => {
    const { exitCode, out, err } = await nanos('install');
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
    expect(err).toContain('error[NOTICE_NOT_ACCEPTED]');
    expect(err).toContain('commercial subscription');
    expect(err).toContain('--accept');
    expect(server.requests).toEqual([]);
  });

  test('with --accept shows the notice once, and installs', async () => {
    const first = await nanos('install --accept');
    expect(first.exitCode).toBe(0);
    expect(first.out).toMatch(/^Nanos 0\.1\.54 is installed \(\d+ B, 2 klibs\)\.\nIt is in use\.\n$/);
    expect(first.err).toContain('commercial subscription');
    await nanos('rm 0.1.54');
    const again = await nanos('install 0.1.54 --json');
    expect(JSON.parse(again.out)).toMatchObject({ version: '0.1.54', source: 'official', inUse: true });
    expect(again.err).not.toContain('subscription');
  });

  test('on a terminal shows the notice and asks; only yes goes on', async () => {
    for (const typed of ['n\n', '\n', '']) {
      const { exitCode, err } = await nanos('install', terminal(typed));
      expect(exitCode).toBe(2);
      expect(err).toMatch(/commercial subscription[\s\S]*Go on\? \[y\/N\] [\s\S]*Nothing was installed/);
    }
    expect(server.requests).toEqual([]);
    expect(await nanos('install', terminal('y\n'))).toMatchObject({ exitCode: 0 });
    expect(server.requests).toContain('latest.txt');
  });

  test('takes a build from a path of the working directory, without any notice', async () => {
    await writeParts(join(home, 'build'), releaseParts());
    await writeFile(join(home, 'nanos.tar.gz'), await tarball(releaseParts('two')));
    const build = await nanos('install --from build --as mine');
    expect(build).toMatchObject({ exitCode: 0, err: '' });
    const other = await nanos('install --from nanos.tar.gz');
    expect(other.out).toMatch(/^Nanos local-[0-9a-f]{8} is installed .*\nTo use it: firstlight nanos use local-/);
  });

  test('says what is wrong with a version, and what works without a network', async () => {
    expect(await nanos('install ../x --accept')).toMatchObject({ exitCode: 2, out: '' });
    expect((await nanos('install 9.9.9 --accept')).err).toContain('There is no Nanos release 9.9.9.');
    await server.close();
    const offline = await nanos('install --accept');
    expect(offline.exitCode).toBe(3);
    expect(offline.err).toMatch(/error\[DOWNLOAD_FAILED\] Could not reach[\s\S]*--from DIR/);
  });
});

test('list, use and rm', async () => {
  expect((await nanos('list')).out).toContain('firstlight nanos install');
  expect((await nanos('list --json')).out).toBe('[]\n');
  await writeParts(join(home, 'build'), releaseParts());
  await writeParts(join(home, 'other'), releaseParts('two'));
  await nanos('install --from build --as mine');
  await nanos('install --from other --as yours');
  expect((await nanos('use yours')).out).toBe('Nanos yours is in use.\n');
  const lines = (await nanos('list')).out.split('\n');
  expect(lines[1]).toMatch(/^yours +in use +local +\d+ B +2 +no +\d{4}-/);
  expect(lines[2]).toMatch(/^mine +local /);
  expect((await nanos('rm yours')).out).toBe('Removed Nanos yours. In use: mine.\n');
  expect(JSON.parse((await nanos('rm mine --json')).out)).toEqual({ removed: 'mine', inUse: null });
  const missing = await nanos('use mine --json');
  expect(missing.exitCode).toBe(2);
  expect(JSON.parse(missing.out).error.code).toBe('NOT_FOUND');
});

describe('kernel', () => {
  test('does the same for the runtime that is named, or for the only one with kernels', async () => {
    await writeParts(join(home, 'build'), releaseParts());
    const named = await kernel('install --from build --as mine --runtime nanos');
    expect(named).toMatchObject({ exitCode: 0, out: expect.stringContaining('Nanos mine is installed') });
    expect((await kernel('list --json')).out).toContain('"mine"');
    expect((await kernel('rm mine')).out).toBe('Removed Nanos mine. None is in use.\n');
  });

  test('says which runtimes have kernels to choose among', async () => {
    const { exitCode, err } = await kernel('list --runtime ember');
    expect(exitCode).toBe(2);
    expect(err).toContain('The runtime "ember" has no kernels to choose among.');
    expect(err).toContain('These have: nanos.');
  });
});
