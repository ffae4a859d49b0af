import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FileTree } from '@firstlight/files';
import { makeTar, type TarInput } from '@firstlight/tar/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBlobCache } from './blob-cache.ts';
import { openImage } from './open-image.ts';
import { elfHead, makeLayout } from './testing/make-layout.ts';

let base: string;
let count = 0;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'fl-oci-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

const freshDir = () => mkdtemp(join(base, `${count++}-`));
const program: TarInput = { name: 'bin/server', data: elfHead() };

async function setUp() {
  const home = await freshDir();
  const cacheDir = join(home, 'blobs');
  const cache = createBlobCache({ dir: cacheDir });
  return {
    dir: join(home, 'image'),
    cache,
    cacheDir,
    open: async (text: string) => {
      const { files, ...opened } = await openImage(text, { cache, cwd: home, env: {} });
      return { ...opened, tree: files.toFileTree() };
    },
  };
}

async function textIn(tree: FileTree, path: string): Promise<string | undefined> {
  const node = tree.get(path);
  if (node?.kind !== 'file') return undefined;
  return node.content.kind === 'bytes' ? '' : readFile(node.content.path, 'utf8');
}

async function openLayers(...layers: TarInput[][]) {
  const { dir, open } = await setUp();
  await makeLayout(dir, [{ layers }]);
  return open('oci:image');
}

describe('the layers of an image', () => {
  it('lie over one another', async () => {
    const { tree, skipped } = await openLayers(
      [
        program,
        { name: 'etc/a', data: 'old' },
        { name: 'etc/b', data: 'kept' },
        { name: 'dev/tty', type: 'character-device' },
      ],
      [{ name: 'etc/a', data: 'new' }],
    );
    expect(await textIn(tree, '/etc/a')).toBe('new');
    expect(await textIn(tree, '/etc/b')).toBe('kept');
    expect(skipped).toEqual(['/dev/tty is left out: an image holds no device node.']);
  });

  it('take away by whiteouts what lies below, not what they bring themselves', async () => {
    const { tree } = await openLayers(
      [
        { name: 'a/one', data: '1' },
        { name: 'a/two', data: '2' },
        { name: 'b/one', data: '1' },
        { name: 'b/sub/two', data: '2' },
        { name: 'c/one', data: '1' },
      ],
      [
        { name: 'a/.wh.one' },
        { name: 'b/own', data: 'own' },
        { name: 'b/.wh..wh..opq' },
        { name: 'c/one', data: 'again' },
        { name: 'c/.wh.one' },
        { name: 'd/.wh.nothing' },
        { name: '.wh..wh.plnk/1' },
      ],
    );
    expect([...tree.keys()].filter((path) => !path.startsWith('/.wh')).sort()).toEqual([
      '/a',
      '/a/two',
      '/b',
      '/b/own',
      '/c',
      '/c/one',
    ]);
    expect(await textIn(tree, '/c/one')).toBe('again');
  });

  it('replace a link by a folder before what the folder hides is looked at', async () => {
    const { tree } = await openLayers(
      [
        { name: 'run/kept.txt', data: 'kept' },
        { name: 'var/run', type: 'symlink', linkname: '/run' },
      ],
      [
        { name: 'var/run/', type: 'directory' },
        { name: 'var/run/.wh..wh..opq' },
        { name: 'var/run/new.txt', data: 'new' },
      ],
    );
    expect(await textIn(tree, '/run/kept.txt')).toBe('kept');
    expect(tree.get('/var/run')).toEqual({ kind: 'directory' });
    expect(await textIn(tree, '/var/run/new.txt')).toBe('new');
  });

  it('may have hard links to what lies below, and whiteouts that are hard links', async () => {
    const { tree } = await openLayers(
      [
        { name: 'tmp/keep.txt', data: 'keep' },
        { name: 'tmp/gone.txt', data: 'gone' },
      ],
      [
        { name: 'tmp/.wh.gone.txt', type: 'link', linkname: 'tmp/keep.txt' },
        { name: 'tmp/same.txt', type: 'link', linkname: 'tmp/keep.txt' },
      ],
    );
    expect([...tree.keys()]).toEqual(['/tmp', '/tmp/keep.txt', '/tmp/same.txt']);
    expect(await textIn(tree, '/tmp/same.txt')).toBe('keep');
  });

  it('may have a hard link to what the same layer takes away', async () => {
    const { tree } = await openLayers(
      [{ name: 'opt/old/tool', data: 'tool' }],
      [
        { name: 'opt/new/', type: 'directory' },
        { name: 'opt/new/tool', type: 'link', linkname: 'opt/old/tool' },
        { name: 'opt/.wh.old' },
      ],
    );
    expect([...tree.keys()]).toEqual(['/opt', '/opt/new', '/opt/new/tool']);
    expect(await textIn(tree, '/opt/new/tool')).toBe('tool');
  });

  it('may be written through a link with more steps up than there are folders, which end at the root', async () => {
    const { tree } = await openLayers(
      [
        { name: 'run/', type: 'directory' },
        { name: 'var/run', type: 'symlink', linkname: '../../../run' },
      ],
      [{ name: 'var/run/app/pid', data: '1' }],
    );
    expect(await textIn(tree, '/run/app/pid')).toBe('1');
    expect(tree.get('/var/run')).toMatchObject({ kind: 'symlink', target: '../../../run' });
  });

  it('may have hard links to devices and pipes, which are left out with them', async () => {
    const { tree, skipped } = await openLayers([
      { name: 'dev/null', type: 'character-device' },
      { name: 'dev/same', type: 'link', linkname: 'dev/null' },
      { name: 'dev/again', type: 'link', linkname: 'dev/same' },
      { name: 'kept', data: 'kept' },
    ]);
    expect(await textIn(tree, '/kept')).toBe('kept');
    expect([...tree.keys()]).toEqual(['/kept']);
    expect(skipped).toHaveLength(3);
  });

  it('are refused a hard link to what is nowhere', async () => {
    await expect(openLayers([{ name: 'a', type: 'link', linkname: 'gone' }])).rejects.toMatchObject({
      reason: 'invalid',
    });
  });

  it('cannot take away what is outside by a whiteout behind a link', async () => {
    const { tree } = await openLayers(
      [
        { name: 'etc/passwd', data: 'x' },
        { name: 'out', type: 'symlink', linkname: '../../../..' },
      ],
      [{ name: 'out/etc/.wh.passwd' }],
    );
    // `..` leads no further than to its own root.
    expect([...tree.keys()]).toEqual(['/etc', '/out']);
  });

  it('follow a link of a lower layer, as Debian has for /lib', async () => {
    const { tree } = await openLayers(
      [
        { name: 'usr/lib/', type: 'directory' },
        { name: 'lib', type: 'symlink', linkname: 'usr/lib' },
      ],
      [{ name: 'lib/libown.so', data: 'own' }],
    );
    expect(await textIn(tree, '/usr/lib/libown.so')).toBe('own');
    expect(tree.get('/lib')).toMatchObject({ kind: 'symlink', target: 'usr/lib' });
  });

  it('are unpacked once, and read from the cache after that', async () => {
    const { dir, cacheDir, open } = await setUp();
    await makeLayout(dir, [{ layers: [[{ name: 'a', data: 'x' }]] }]);
    const first = await open('oci:image');
    const kept = await readdir(cacheDir);
    expect(kept).toHaveLength(1);
    await rm(join(dir, 'blobs/sha256', kept[0] as string));
    const second = await open('oci:image');
    expect(second.tree).toEqual(first.tree);
    expect(second.digest).toBe(first.digest);
  });

  it('are dropped from the cache when it is too large and they were not used of late', async () => {
    const { dir, cache, cacheDir, open } = await setUp();
    await makeLayout(dir, [{ layers: [[{ name: 'a', data: 'x' }]] }]);
    await open('oci:image');
    await cache.prune(0);
    const [name = ''] = await readdir(cacheDir);
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    await utimes(join(cacheDir, name, 'layer.json'), longAgo, longAgo);
    await cache.prune(1 << 20);
    expect(await readdir(cacheDir)).toEqual([name]);
    await cache.prune(0);
    expect(await readdir(cacheDir)).toEqual([]);
  });
});

describe('a hostile or damaged image', () => {
  const leavesNothing = async (
    change: (blobs: string, layer: string) => Promise<void>,
    layers: TarInput[][],
    expected: object,
  ) => {
    const { dir, cacheDir, open } = await setUp();
    await makeLayout(dir, [{ layers }]);
    const index = JSON.parse(await readFile(join(dir, 'index.json'), 'utf8'));
    const blob = (digest: string) => join(dir, 'blobs', digest.replace(':', '/'));
    const manifest = JSON.parse(await readFile(blob(index.manifests[0].digest), 'utf8'));
    await change(blob(manifest.config.digest), blob(manifest.layers[0].digest));
    await expect(open('oci:image')).rejects.toMatchObject(expected);
    expect(await readdir(cacheDir).catch(() => [])).toEqual([]);
  };
  const nothing = async () => undefined;

  it('with a layer that climbs out', async () => {
    const expected = { reason: 'path-escapes' };
    await leavesNothing(nothing, [[{ name: '../../etc/cron.d/evil', data: 'x' }]], expected);
  });

  it('with bytes that are not those of the digest', async () => {
    const layers = [[{ name: 'a', data: 'some content' }]];
    const wrong = { reason: 'digest-mismatch' };
    await leavesNothing(
      async (_, layer) => writeFile(layer, gzipSync(await makeTar([{ name: 'b', data: 'x' }]))),
      layers,
      wrong,
    );
    await leavesNothing(async (_, layer) => appendFile(layer, 'more'), layers, wrong);
    await leavesNothing(async (_, layer) => writeFile(layer, (await readFile(layer)).subarray(0, 60)), layers, wrong);
    await leavesNothing(async (config) => writeFile(config, '{}'), layers, wrong);
  });

  it('with a layer that is missing', async () => {
    await leavesNothing(async (_, layer) => rm(layer), [[{ name: 'a' }]], { reason: 'invalid' });
  });

  it('with an index that is none', async () => {
    const { dir, open } = await setUp();
    await mkdir(dir);
    for (const text of [
      '',
      '[]',
      '{"manifests":1}',
      '{"manifests":[{"digest":"../../x","size":1}]}',
      '{"schemaVersion":1}',
    ]) {
      await writeFile(join(dir, 'index.json'), text);
      await expect(open('oci:image')).rejects.toMatchObject({
        reason: expect.stringMatching(/^(invalid|unsupported)$/),
      });
    }
    await rm(join(dir, 'index.json'));
    await expect(open('oci:image')).rejects.toMatchObject({
      reason: 'invalid',
      message: expect.stringContaining('no image'),
    });
  });
});

describe('which image', () => {
  it('is chosen by tag, and for this platform', async () => {
    const { dir, open } = await setUp();
    const digests = await makeLayout(dir, [
      { layers: [[{ name: 'arm' }]], architecture: 'arm64', tag: 'both' },
      { layers: [[{ name: 'amd' }]], tag: 'both' },
      { layers: [[{ name: 'other' }]], tag: 'other' },
    ]);
    expect([...(await open('oci:image:both')).tree.keys()]).toEqual(['/amd']);
    expect((await open('oci:image:other')).digest).toBe(digests[2]);
    await expect(open('oci:image')).rejects.toMatchObject({
      reason: 'ambiguous',
      hint: 'Name one after a colon: both, other.',
    });
    await expect(open('oci:image:none')).rejects.toMatchObject({ reason: 'not-found' });
    await expect(open('oci:nowhere')).rejects.toMatchObject({ reason: 'not-found' });
  });

  it('is none when there is none for linux/amd64', async () => {
    const { dir, open } = await setUp();
    await makeLayout(dir, [
      { layers: [], architecture: 'arm64' },
      { layers: [], architecture: 'riscv64' },
    ]);
    await expect(open('oci:image')).rejects.toMatchObject({
      reason: 'wrong-platform',
      message: expect.stringContaining('no image for linux/amd64. It is for linux/arm64, linux/riscv64.'),
    });
  });

  it('is the one for the oldest processors, by any name for them', async () => {
    const { dir, open } = await setUp();
    const digests = await makeLayout(dir, [
      { layers: [], architecture: 'arm64', variant: 'v8' },
      { layers: [], variant: 'v3' },
      { layers: [], architecture: 'x86_64', variant: 'v2' },
      { layers: [], variant: 'v4' },
    ]);
    expect((await open('oci:image')).digest).toBe(digests[2]);
  });

  it('may be one whose only word to start is no list', async () => {
    const { dir, open } = await setUp();
    await makeLayout(dir, [{ layers: [], config: { Entrypoint: '/bin/server', Cmd: '-v' } }]);
    expect((await open('oci:image')).config.config).toMatchObject({ Entrypoint: ['/bin/server'], Cmd: ['-v'] });
  });

  it('may have layers that registries do not distribute, where they are there', async () => {
    const { dir, open } = await setUp();
    const layerType = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';
    const [digest = ''] = await makeLayout(dir, [{ layers: [[{ name: 'base', data: 'base' }]], layerType }]);
    expect([...(await open('oci:image')).tree.keys()]).toEqual(['/base']);
    const blob = (of: string) => join(dir, 'blobs', of.replace(':', '/'));
    const [layer] = JSON.parse(await readFile(blob(digest), 'utf8')).layers;
    await rm(blob(layer.digest));
    const { open: openAnew } = await setUp();
    await expect(openAnew(`oci:${dir}`)).rejects.toMatchObject({
      reason: 'unsupported',
      hint: expect.stringContaining('Save the image to a file'),
    });
  });
});
