import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeHome, removeHome, whyNot } from '../integration/studio.ts';
import { type OpenTarget, openTarget } from './open-target.ts';
import { whyNoTestCluster, whyNotOwn } from './test-cluster.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const reason = whyNot() ?? whyNoTestCluster() ?? whyNotOwn();
const runc = ['/usr/sbin/runc', '/usr/bin/runc'].find((path) => existsSync(path)) ?? '';

describe.skipIf(reason !== null)(`a RuntimeClass${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  let target: OpenTarget;
  const call: OpenTarget['studio']['client']['call'] = (...args) => target.studio.client.call(...args);

  async function addTarget(name: string): Promise<void> {
    const [first] = await call('targets:list', {});
    if (first?.kind !== 'kubernetes') throw new Error('There is no target.');
    await call('targets:add', { ...first, name, engine: `runtimeclass:${name}` });
  }
  async function addClass(name: string, handler: string): Promise<void> {
    const path = join(home, 'class.json');
    const runtimeClass = { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name }, handler };
    writeFileSync(path, JSON.stringify(runtimeClass));
    await target.cluster.kubectl('apply', '-f', path);
  }
  const check = async (name: string, id: string) =>
    (await call('targets:test', { target: name })).find((found) => found.id === id);

  beforeAll(async () => {
    target = await openTarget(home, {}, { runtimes: { other: runc } });
  });
  afterAll(async () => {
    await target?.close();
    removeHome(home);
  });

  it('that is missing is named, with the command that lists those there are', async () => {
    await addTarget('absent');
    expect(await check('absent', 'runtime-class')).toMatchObject({
      status: 'failed',
      found: 'There is no RuntimeClass "absent".',
      fix: 'kubectl get runtimeclasses',
    });
  });

  it('whose handler no node has is found out by a pod that is tried', async () => {
    await addClass('hollow', 'unknown');
    await addTarget('hollow');
    expect(await check('hollow', 'runtime-class')).toMatchObject({
      status: 'ok',
      found: 'hollow, with the handler unknown',
    });
    expect(await check('hollow', 'pull')).toMatchObject({
      status: 'failed',
      found: expect.stringMatching(/no runtime for "unknown" is configured/),
      fix: 'kubectl describe runtimeclass hollow',
    });
  });

  it('with a handler runs a pod that is tried', async () => {
    await addClass('whole', 'other');
    await addTarget('whole');
    expect(await check('whole', 'pull')).toMatchObject({ status: 'ok' });
  });
});
