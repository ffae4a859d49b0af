import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import shipped from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import { makeHome, openStudio, removeHome, resources, type Studio, whyNot } from './studio.ts';

// A busy machine needs long to pack QEMU.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const reason =
  whyNot() ??
  (existsSync(resources.podSupervisorPath) ? null : 'no supervisor of pods') ??
  (existsSync(resources.pathOf(shipped.emberNetworkKernel)) ? null : 'no source of lwIP');

/** A kubeconfig that is enough for a target: no request is sent to its cluster. */
const kubeconfig = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'none',
  contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
  clusters: [{ name: 'none', cluster: { server: 'http://127.0.0.1:1' } }],
  users: [{ name: 'none', user: {} }],
};

describe.skipIf(reason !== null)(
  `a deployed function’s network${reason === null ? '' : ` (skipped: ${reason})`}`,
  () => {
    const home = reason === null ? makeHome() : '';
    let studio: Studio;
    beforeAll(async () => {
      writeFileSync(join(home, 'kubeconfig'), JSON.stringify(kubeconfig));
      studio = await openStudio({ home });
      await studio.client.call('targets:add', {
        name: 'files',
        kind: 'kubernetes',
        kubeconfig: join(home, 'kubeconfig'),
        registry: '127.0.0.1:1/team',
      });
    });
    afterAll(async () => {
      await studio?.close();
      removeHome(home);
    });

    it('is warned of in the manifests where the function asks for one that a pod does not give', async () => {
      const noteOf = async (name: string, keys: object, choice: object = {}) => {
        const project = await studio.project(name, 'export default () => 1;', keys);
        const request = { projectId: project.id, target: 'files', push: false, ...choice };
        return (await studio.client.call('deploy:manifests', request)).note;
      };
      const ember = { network: { kind: 'user', outbound: true } };
      expect(await noteOf('calls', { ember })).toMatch(
        /^"ember\.network\.outbound" has no effect in a pod: .*ENETDOWN/,
      );
      expect(await noteOf('slow', {})).toMatch(/^These pods ask for no KVM/);
      expect(await noteOf('quiet', {}, { kvmResource: 'devices.kubevirt.io/kvm' })).toBe('');
    });
  },
);
