import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeHome, removeHome, whyNot } from '../integration/studio.ts';
import { type OpenTarget, openTarget } from './open-target.ts';
import { whyNoTestCluster, whyNotOwn } from './test-cluster.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const reason = existsSync('/dev/kvm') ? (whyNot() ?? whyNotOwn() ?? whyNoTestCluster()) : 'there is no /dev/kvm';

describe.skipIf(reason !== null)(`KVM on a real cluster${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  let target: OpenTarget;

  beforeAll(async () => {
    target = await openTarget(home, {}, { kvm: true });
  });
  afterAll(async () => {
    await target?.close();
    removeHome(home);
  });

  it('is found by its device plugin, asked for, and probed by the guest', async () => {
    const { client } = target.studio;
    const checks = await client.call('targets:test', { target: 'test' });
    const words = 'a node offers devices.kubevirt.io/kvm';
    expect(checks.find(({ id }) => id === 'kvm')).toMatchObject({ status: 'ok', found: words });
    const project = await target.studio.project('greet', 'export default () => 1;');
    const done = await client.call('deploy:start', { projectId: project.id, target: 'test' });
    expect(done.steps.find(({ name }) => name === 'apply')?.detail).toBe(`KVM: ${words}`);
    expect(done.answer).toEqual({ status: 200, body: '1' });
    const { accel, why } = await client.call('deploy:coldStart', { target: 'test', name: 'greet' });
    const log = await target.logOf('greet');
    expect(log).toContain('the guest runs under KVM (/dev/kvm opens)');
    // A guest that is silent under this machine's KVM is emulated, and that is reported.
    if (accel === 'kvm') expect(why).toBe('/dev/kvm opens');
    else expect([why, log].join()).toMatch(/says nothing under this node's KVM.*it is emulated instead/s);
  });
});
