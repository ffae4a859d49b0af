import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeHome, removeHome, whyNot } from '../integration/studio.ts';
import { type OpenTarget, openTarget } from './open-target.ts';
import { whyNoTestCluster, whyNotOwn } from './test-cluster.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;
const noGvisor =
  spawnSync('runsc', ['--version']).status === 0 ? null : 'it needs runsc, gVisor’s runtime (a Debian package)';
const reason = whyNot() ?? whyNoTestCluster() ?? whyNotOwn() ?? noGvisor;

describe.skipIf(reason !== null)(`gVisor as a RuntimeClass${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  let target: OpenTarget;
  const call: OpenTarget['studio']['client']['call'] = (...args) => target.studio.client.call(...args);

  beforeAll(async () => {
    const runsc = fileURLToPath(new URL('gvisor/runsc', import.meta.url));
    target = await openTarget(home, { FL_TOKEN: 'not to be seen' }, { runtimes: { runsc } });
    const metadata = { name: 'gvisor' };
    const path = join(home, 'class.json');
    writeFileSync(
      path,
      JSON.stringify({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata, handler: 'runsc' }),
    );
    await target.cluster.kubectl('apply', '-f', path);
    const [first] = await call('targets:list', {});
    if (first?.kind !== 'kubernetes') throw new Error('There is no target.');
    await call('targets:add', { ...first, name: 'sandboxed', engine: 'runtimeclass:gvisor' });
  });
  afterAll(async () => {
    await target?.close();
    removeHome(home);
  });

  it('runs the pod that is tried', async () => {
    const checks = await call('targets:test', { target: 'sandboxed' });
    expect(checks.find(({ id }) => id === 'runtime-class')).toMatchObject({ found: 'gvisor, with the handler runsc' });
    expect(checks.find(({ id }) => id === 'pull')).toMatchObject({ status: 'ok' });
  });

  it.skipIf(nanosDir === undefined)(
    `runs a function, whose kernel is gVisor's${nanosDir === undefined ? ' (skipped: FIRSTLIGHT_NANOS_DIR names no build of Nanos)' : ''}`,
    async () => {
      await call('kernels:install', { runtime: 'nanos', from: nanosDir ?? '' });
      const source = `import { readFileSync } from 'node:fs';
        export default ({ path }) => {
          console.log('called ' + path);
          return { kernel: readFileSync('/proc/version', 'utf8'), path, token: process.env.TOKEN?.length };
        };`;
      const config = { runtime: 'nanos', memoryMiB: 256, deploy: { secrets: { TOKEN: { env: 'FL_TOKEN' } } } };
      const project = await target.studio.project('boxed', source, config);
      const done = await call('deploy:start', { projectId: project.id, target: 'sandboxed' });
      expect(done.steps.find(({ name }) => name === 'apply')?.detail).toBe('a container of RuntimeClass gvisor');
      // gVisor's kernel says that it is Linux 4.4.0, whatever runs below it.
      const answer = JSON.parse(done.answer?.body ?? '');
      expect(answer).toMatchObject({ kernel: expect.stringMatching(/^Linux version 4\.4\.0 /), path: '/', token: 14 });
      expect(answer.kernel).not.toContain(release());
      const of = { target: 'sandboxed', name: 'boxed' };
      const there = await call('deploy:invoke', { ...of, method: 'GET', path: '/there', body: null });
      expect(JSON.parse(there.body)).toMatchObject({ path: '/there' });
      expect(await target.logOf('boxed', 'sandboxed')).toMatch(/called \/there/);
    },
  );
});
