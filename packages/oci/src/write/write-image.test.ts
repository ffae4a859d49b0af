import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileTree } from '@firstlight/files';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBlobCache } from '../blob-cache.ts';
import { openImage } from '../open-image.ts';
import { missingPrograms } from '../testing/start-registry.ts';
import { writeLayer } from './blob.ts';
import { composeImage } from './compose.ts';
import { addToLayout } from './layout.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-write-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function makeImage(blobs: string) {
  const program = join(dir, 'program');
  writeFileSync(program, '\x7fELF');
  chmodSync(program, 0o755);
  const builder = createFileTree();
  builder.add('/bin/program', { kind: 'file', content: { kind: 'host', path: program }, bytes: 4 });
  builder.add('/etc/words', { kind: 'file', content: { kind: 'bytes', data: Buffer.from('words') }, bytes: 5 });
  builder.add('/lib', { kind: 'symlink', target: 'usr/lib' });
  const layer = await writeLayer(builder.tree, join(dir, blobs));
  const settings = { entrypoint: ['/bin/program'], cmd: ['-v'], env: { A: '1' }, user: '65532', exposedPorts: [8080] };
  return composeImage({ layers: [layer], settings, annotations: { 'org.opencontainers.image.title': 'test' } });
}

describe('an image that is written', () => {
  it('has the same digest for the same input', async () => {
    const one = await makeImage('one');
    const other = await makeImage('other');
    expect(other.manifest.digest).toBe(one.manifest.digest);
    expect(other.layers[0]?.digest).toBe(one.layers[0]?.digest);
  });

  it('is read from its layout, among others', async () => {
    const image = await makeImage('blobs');
    const layout = join(dir, 'layout');
    await addToLayout(layout, image, 'old');
    await addToLayout(layout, image, 'app');
    await addToLayout(layout, image, 'app');
    const cache = createBlobCache({ dir: join(dir, 'cache') });
    const opened = await openImage(`oci:${layout}:app`, { cache });
    expect(opened.digest).toBe(image.manifest.digest);
    expect(opened.config.config?.Entrypoint).toEqual(['/bin/program']);
    expect([...opened.files.toFileTree().keys()]).toEqual(
      expect.arrayContaining(['/bin/program', '/etc/words', '/lib']),
    );
  });

  it('leaves alone a folder that holds something else, and the layers that it copies', async () => {
    const image = await makeImage('blobs');
    const layout = join(dir, 'layout');
    mkdirSync(layout);
    writeFileSync(join(layout, 'notes'), 'mine');
    await expect(addToLayout(layout, image, 'app')).rejects.toMatchObject({ reason: 'unsupported' });
    expect(readdirSync(layout)).toEqual(['notes']);
    writeFileSync(join(layout, 'index.json'), '[]');
    await expect(addToLayout(layout, image, 'app')).rejects.toMatchObject({ reason: 'invalid' });
    rmSync(layout, { recursive: true });
    await addToLayout(layout, image, 'app');
    const [layer] = image.layers;
    const copy = statSync(join(layout, 'blobs', layer?.digest.replace(':', '/') ?? ''));
    expect(copy).toMatchObject({ nlink: 1, size: layer?.size });
  });

  it('names a file that changed meanwhile', async () => {
    const path = join(dir, 'file');
    writeFileSync(path, 'longer than it was');
    const builder = createFileTree();
    builder.add('/file', { kind: 'file', content: { kind: 'host', path }, bytes: 3 });
    await expect(writeLayer(builder.tree, join(dir, 'blobs'))).rejects.toThrow(/changed while it was being packed/);
  });

  it.skipIf(missingPrograms('skopeo', 'umoci').length > 0)('is read by skopeo and umoci (needs both)', async () => {
    const layout = join(dir, 'layout');
    await addToLayout(layout, await makeImage('blobs'), 'app');
    const seen = JSON.parse(execFileSync('skopeo', ['inspect', `oci:${layout}:app`]).toString());
    expect(seen.Env).toEqual(['A=1']);
    execFileSync('umoci', ['unpack', '--rootless', '--image', `${layout}:app`, join(dir, 'bundle')], { stdio: 'pipe' });
    expect(execFileSync('stat', ['-c', '%a', join(dir, 'bundle/rootfs/bin/program')]).toString()).toBe('755\n');
  });
});
