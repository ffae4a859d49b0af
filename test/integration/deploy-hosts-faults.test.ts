import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '#shared/model/project.ts';
import { whyNoSecondLibvirtd } from './second-libvirtd.ts';
import { whyNoSshd } from './sshd.ts';
import { until, whyNot } from './studio.ts';
import { openTwoHosts, type TwoHosts, virsh } from './two-hosts.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const cliPath = join(import.meta.dirname, '../../dist/cli.mjs');
const reason = whyNot() ?? whyNoSecondLibvirtd() ?? whyNoSshd();

describe.skipIf(reason !== null)(`deploying to hosts${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let lab: TwoHosts;
  const call: TwoHosts['studio']['client']['call'] = (...args) => lab.studio.client.call(...args);
  const deploy = (project: Project, choice: object = {}) =>
    call('deploy:start', { projectId: project.id, target: 'lab', ...choice });
  const get = (name: string) => call('deploy:get', { target: 'lab', name });
  const inService = (name: string) =>
    [lab.one, lab.two]
      .flatMap(({ uri }) => virsh(uri, 'list', '--name', '--autostart'))
      .filter((domain) => domain.startsWith(`fn-${name}-`))
      .sort();

  beforeAll(async () => {
    lab = await openTwoHosts();
  });
  afterAll(async () => {
    await lab?.close();
  });

  it('takes a new function away again that does not answer, with what it printed', async () => {
    const source = 'export default () => { console.log("before it hangs"); for (;;) globalThis.x = 1; };';
    const project = await lab.studio.project('hangs', source, { timeoutMs: 300 });
    await expect(deploy(project)).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      hint: 'It was new, so it was taken away again.',
      details: { output: expect.stringContaining('before it hangs') },
    });
    await expect(get('hangs')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('deploys two functions at once, and refuses a second deploy of one', async () => {
    const [left, right] = await Promise.all([
      lab.studio.project('left', 'export default () => "left";'),
      lab.studio.project('right', 'export default () => "right";'),
    ]);
    const [first, second, other] = await Promise.allSettled([deploy(left), deploy(left), deploy(right)]);
    const refused = [first, second].filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([{ reason: { code: 'CONFLICT' } }]);
    expect(other).toMatchObject({ status: 'fulfilled', value: { answer: { body: '"right"' } } });
    expect([(await get('left')).state, (await get('right')).state]).toEqual(['ready', 'ready']);
  });

  it('finishes a deploy whose program was killed', async () => {
    const project = await lab.studio.project('killed', 'export default () => 1;');
    await deploy(project, { replicas: 2 });
    lab.write(project, 'export default () => 2;');
    // A program that is killed leaves the folder of its ssh in the temporary directory.
    const env = { ...process.env, FIRSTLIGHT_HOME: lab.home, FIRSTLIGHT_ACCEL: 'tcg', TMPDIR: lab.home };
    const args = [cliPath, 'deploy', project.dir, '--target', 'lab'];
    const cli = spawn(process.execPath, args, { env, stdio: 'ignore' });
    const exited = once(cli, 'exit');
    await until('it is half done', () => inService('killed').includes('fn-killed-r2-0'), 120_000);
    cli.kill('SIGKILL');
    await exited;
    const done = await deploy(project);
    expect([done.revision, done.answer?.body]).toEqual([2, '2']);
    expect(inService('killed')).toEqual(['fn-killed-r2-0', 'fn-killed-r2-1']);
    expect(await get('killed')).toMatchObject({ state: 'ready', replicas: { wanted: 2, ready: 2 } });
  });

  it('goes on without a host that is down, and replaces what that one has when it is back', async () => {
    const project = await lab.studio.project('alone', 'export default () => 1;');
    await deploy(project, { replicas: 2 });
    const shown = vi.fn();
    const list = lab.studio.client.openStream('deploy:watch', { target: 'lab' }, shown);
    await vi.waitFor(() => expect(shown).toHaveBeenCalled(), { timeout: 60_000 });
    await lab.two.kill();
    // Whoever watches is told, and watches anew.
    await expect(list.ended).rejects.toMatchObject({ code: expect.stringMatching(/^LIBVIRT_(LOST|UNREACHABLE)$/) });
    const warning = expect.stringContaining(`${lab.two.uri} cannot be reached.`);
    expect(await get('alone')).toMatchObject({ state: 'failing', hostsDown: [warning] });
    expect(await call('targets:test', { target: 'lab' })).toContainEqual(
      expect.objectContaining({ title: lab.two.uri, status: 'failed' }),
    );
    lab.write(project, 'export default () => 2;');
    const done = await deploy(project);
    expect(done).toMatchObject({ revision: 2, answer: { body: '2' }, warnings: [warning] });
    expect(await get('alone')).toMatchObject({ state: 'ready', replicas: { wanted: 2, ready: 2 } });

    await lab.two.start();
    expect(await get('alone')).toMatchObject({ state: 'progressing', message: expect.stringContaining('revision 1') });
    expect((await deploy(project)).revision).toBe(2);
    expect(await get('alone')).toMatchObject({ state: 'ready', replicas: { wanted: 2, ready: 2 } });
    expect(inService('alone')).toEqual(['fn-alone-r2-0', 'fn-alone-r2-1']);
  });
});
