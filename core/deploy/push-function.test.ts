import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileTree } from '@firstlight/files';
import { composeImage, type LayerBlob, writeLayer } from '@firstlight/oci';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLayout, type Layout } from '#core/store/layout.ts';
import { kubernetesTargetSchema } from '#shared/model/deploy.ts';
import { missingPrograms, startRegistry } from '../../packages/oci/src/testing/start-registry.ts';
import { pushPodImage } from './push-function.ts';

const missing = missingPrograms('docker-registry');
const sharedBytes = 1 << 20;

describe.skipIf(missing.length > 0)('the layers that functions share (needs docker-registry)', () => {
  let dir: string;
  let layout: Layout;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'fl-pushed-'));
    layout = createLayout({ home: join(dir, 'home'), env: {}, uid: 0 });
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  async function makeLayer(bytes: number): Promise<LayerBlob> {
    const builder = createFileTree();
    builder.add('/data', { kind: 'file', content: { kind: 'bytes', data: randomBytes(bytes) }, bytes });
    return await writeLayer(builder.tree, await layout.ensure(layout.podLayersDir));
  }
  const push = async (host: string, name: string, shared: LayerBlob) => {
    const image = composeImage({ layers: [shared, await makeLayer(100)], settings: { entrypoint: ['/data'] } });
    const target = kubernetesTargetSchema.parse({ name: 'home', kind: 'kubernetes', registry: `${host}/team` });
    const signal = new AbortController().signal;
    const context = { layout, env: { HOME: dir }, signal, progress: () => undefined };
    return await pushPodImage(target, name, image.manifest.digest.slice(7), image, context);
  };

  it('are sent once to a registry, and again where it has lost them', async () => {
    const shared = await makeLayer(sharedBytes);
    const registry = await startRegistry(join(dir, 'registry'));
    try {
      expect((await push(registry.host, 'one', shared)).sentBytes).toBeGreaterThan(sharedBytes);
      const second = await push(registry.host, 'two', shared);
      expect(second.blobs[0]?.outcome).toBe('mounted');
      expect(second.sentBytes).toBeLessThan(10_000);
      rmSync(join(dir, 'registry/data'), { recursive: true });
      const third = await push(registry.host, 'three', shared);
      expect(third.blobs[0]?.outcome).toBe('uploaded');
      expect((await push(registry.host, 'four', shared)).blobs[0]?.outcome).toBe('mounted');
    } finally {
      await registry.stop();
    }
  });
});
