import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileTree } from '@firstlight/files';
import { writeBlob, writeLayer } from '@firstlight/oci';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLayout } from '#core/store/layout.ts';
import { packImage } from '../pack-image.ts';
import { sweepLayers } from './sweep-layers.ts';
import { packOnce } from './vmm-layer.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fl-sweep-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const age = (path: string, hours: number) => {
  const then = new Date(Date.now() - hours * 3_600_000);
  utimesSync(path, then, then);
};

/** A tree of one file of this host. */
function treeOf(name: string) {
  const path = join(home, name);
  writeFileSync(path, name);
  const builder = createFileTree();
  builder.add(`/${name}`, { kind: 'file', content: { kind: 'host', path }, bytes: name.length });
  return builder.tree;
}

it('removes layers that were not used for a month, and keeps those that were', async () => {
  const layout = createLayout({ home, env: {}, uid: 1000, qemuUser: null });
  const [used, unused] = [await packOnce(layout, 'vmm', treeOf('used')), await packOnce(layout, 'vmm', treeOf('old'))];
  const recent = await writeLayer(treeOf('function'), layout.podLayersDir);
  for (const { path } of [used, unused]) age(path, 24 * 31);
  expect(await packOnce(layout, 'vmm', treeOf('used'))).toEqual(used);
  await sweepLayers(layout);
  const left = readdirSync(join(layout.podLayersDir, 'sha256'));
  expect(left.sort()).toEqual([used, recent].map(({ digest }) => digest.replace('sha256:', '')).sort());
  expect((await packOnce(layout, 'vmm', treeOf('old'))).digest).toBe(unused.digest);
});

it('removes what a program that was killed had half written, and nothing that is being written', async () => {
  const layout = createLayout({ home, env: {}, uid: 1000, qemuUser: null });
  const dir = join(layout.podLayersDir, 'sha256');
  mkdirSync(dir, { recursive: true });
  const aborting = new AbortController();
  // A file that never ends its first chunk keeps its writer going.
  async function* content() {
    yield Buffer.alloc(1 << 20, 1);
    await new Promise((resolve) => aborting.signal.addEventListener('abort', resolve));
  }
  const writing = writeBlob(content(), 'application/octet-stream', layout.podLayersDir, aborting.signal);
  writing.catch(() => undefined);
  while (readdirSync(dir).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const [name = ''] = readdirSync(dir);
  await sweepLayers(layout);
  expect(readdirSync(dir)).toEqual([name]);
  age(join(dir, name), 1);
  await sweepLayers(layout);
  expect(readdirSync(dir)).toEqual([]);
  aborting.abort();
  await expect(writing).rejects.toThrow();
});

it.each(['kubevirt', 'runtimeclass:gvisor', 'runtimeclass:urunc'])(
  'is done by every deploy, also by %s',
  async (engine) => {
    const layout = createLayout({ home, env: {}, uid: 1000, qemuUser: null });
    const old = await packOnce(layout, 'vmm', treeOf('old'));
    age(old.path, 24 * 31);
    const runtimes = new Map([['toy', { id: 'toy' }]]);
    const request = { bundle: { config: { name: 'f', port: 80 } }, image: { runtime: 'toy' }, hasVariables: false };
    const packing = packImage({ engine } as never, { layout, runtimes } as never, request as never);
    await expect(packing).rejects.toMatchObject({ code: 'MACHINE_UNSUPPORTED' });
    expect(readdirSync(join(layout.podLayersDir, 'sha256'))).toEqual([]);
  },
);
