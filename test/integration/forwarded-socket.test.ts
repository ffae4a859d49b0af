import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import shipped from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import { createSecondLibvirtd, whyNoSecondLibvirtd } from './second-libvirtd.ts';
import { makeHome, openStudio, removeHome, resources, type Studio, whyNot } from './studio.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const whyNoNetwork = existsSync(resources.pathOf(shipped.emberNetworkKernel)) ? null : 'no kernel with the network';
const reason = whyNot() ?? whyNoSecondLibvirtd();
const named = (what: string, why: string | null) => `${what}${why === null ? '' : ` (skipped: ${why})`}`;

describe.skipIf(reason !== null)(named('a socket here of a libvirt elsewhere', reason), () => {
  const home = reason === null ? makeHome() : '';
  const there = reason === null ? makeHome() : '';
  // As behind a socket that ssh forwards: another host name, and none of our files.
  const lab = createSecondLibvirtd(there, { hidden: [home], hostName: 'fl-other-host' });
  let studio: Studio;
  const call: Studio['client']['call'] = (...args) => studio.client.call(...args);

  beforeAll(async () => {
    await lab.start();
    studio = await openStudio({ home });
  });
  afterAll(async () => {
    await studio?.close();
    for (const prefix of ['firstlight-', 'fn-']) lab.destroyDomains(prefix);
    await lab.kill();
    for (const dir of [home, there]) removeHome(dir);
  });

  it('runs a function, whose files are copied there', async () => {
    await call('hosts:add', { name: 'far', uri: lab.uri });
    const project = await studio.project('greet', 'export default (event) => event.from;');
    const run = await call('instances:run', { projectId: project.id, host: 'far', event: { from: 'here' } });
    expect([run.error, run.response?.body]).toEqual([null, { kind: 'json', value: 'here' }]);
  });

  it.skipIf(whyNoNetwork !== null)(
    named('is called through it, and not at a port of this machine', whyNoNetwork),
    async () => {
      await call('targets:add', { name: 'lab', kind: 'libvirt', uris: [lab.uri] });
      const source = 'export default (event) => ({ host: event.headers.host ?? null, path: event.path });';
      const web = await studio.project('web', source, { ports: [{ guest: 8080 }] });
      const done = await call('deploy:start', { projectId: web.id, target: 'lab' });
      // An event that came by HTTP would have the host's header.
      expect(JSON.parse(done.answer?.body ?? '')).toEqual({ host: null, path: '/' });
      const answer = await call('deploy:invoke', { target: 'lab', name: 'web', path: '/a' });
      expect(JSON.parse(answer.body)).toEqual({ host: null, path: '/a' });
      const checks = await call('targets:test', { target: 'lab' });
      expect(checks.find(({ id }) => id.startsWith('endpoints'))).toMatchObject({
        status: 'warning',
        found: expect.stringContaining('not reached from here'),
      });
      await call('deploy:remove', { target: 'lab', name: 'web' });
      await call('targets:add', { name: 'open', kind: 'libvirt', uris: [lab.uri], listen: '0.0.0.0' });
      await expect(call('deploy:start', { projectId: web.id, target: 'open' })).rejects.toMatchObject({
        code: 'DEPLOY_FAILED',
        message: expect.stringContaining('fl-other-host'),
      });
    },
  );
});
