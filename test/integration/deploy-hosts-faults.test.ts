import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import shipped from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import type { Project } from '#shared/model/project.ts';
import { whyNoSecondLibvirtd } from './second-libvirtd.ts';
import { whyNoSshd } from './sshd.ts';
import { resources, until, whyNot } from './studio.ts';
import { askUntil, openTwoHosts, type TwoHosts, virsh } from './two-hosts.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const cliPath = join(import.meta.dirname, '../../dist/cli.mjs');
/** Its build needs the source of lwIP; without it, functions on Ember have no endpoints. */
const whyNoNetwork = existsSync(resources.pathOf(shipped.emberNetworkKernel)) ? null : 'no kernel with the network';
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

  it('answers the requests that wait in an instance when it is replaced', async () => {
    const source = (version: string) =>
      `export default async () => { await new Promise((resolve) => setTimeout(resolve, 1000)); return ${version}; };`;
    const project = await lab.studio.project('busy', source('1'), { timeoutMs: 20_000 });
    await deploy(project);
    lab.write(project, source('2'));
    const outcomes = await askUntil(deploy(project), 8, () =>
      call('deploy:invoke', { target: 'lab', name: 'busy', path: '/' }).then(
        ({ body }) => body,
        (error) => error.message,
      ),
    );
    expect(outcomes.filter((one) => !['1', '2'].includes(one))).toEqual([]);
    expect(outcomes).toContain('1');
    await call('deploy:remove', { target: 'lab', name: 'busy' });
  });

  describe('a deploy whose program is killed', () => {
    const handler = (value: number) => `export default () => ${value};`;
    const config = whyNoNetwork === null ? { ports: [{ guest: 8080 }] } : {};
    const all = (...choice: string[]) =>
      [lab.one, lab.two]
        .flatMap(({ uri }) => virsh(uri, 'list', '--name', ...choice))
        .filter((domain) => domain.startsWith('fn-killed-'))
        .sort();
    const endpoints = async () => ((await get('killed')).instances ?? []).map(({ endpoint }) => endpoint);
    let project: Project;
    let addresses: readonly unknown[];
    let value = 1;

    beforeAll(async () => {
      project = await lab.studio.project('killed', handler(value), config);
      await deploy(project, { replicas: 2 });
      addresses = await endpoints();
    });

    it.each<[string, (next: string) => boolean]>([
      ['is defined', (next) => all('--all').includes(`${next}-0`)],
      ['boots', (next) => all().includes(`${next}-0`)],
      ['is in service', (next) => inService('killed').includes(`${next}-0`)],
      ['has replaced an earlier one', (next) => inService('killed').includes(`${next}-0`) && all().length === 2],
      ['is one of two in service', (next) => inService('killed').includes(`${next}-1`)],
    ])('when its first instance %s is listed as not finished, and finished by the next one', async (_, isThere) => {
      value += 1;
      lab.write(project, handler(value));
      const revision = (await get('killed')).revision + 1;
      const next = `fn-killed-r${revision}`;
      // A program that is killed leaves the folder of its ssh in the temporary directory.
      const env = { ...process.env, FIRSTLIGHT_HOME: lab.home, FIRSTLIGHT_ACCEL: 'tcg', TMPDIR: lab.home };
      const cli = spawn(process.execPath, [cliPath, 'deploy', project.dir, '--target', 'lab'], {
        env,
        stdio: 'ignore',
      });
      const exited = once(cli, 'exit');
      await until('it is so far', () => isThere(next), 120_000);
      cli.kill('SIGKILL');
      await exited;
      const { state, message } = await get('killed');
      const isDone = all().join() === `${next}-0,${next}-1` && inService('killed').join() === all().join();
      if (isDone) expect(state).toBe('ready');
      else expect([state, message]).toEqual(['progressing', expect.stringContaining('deploy again to finish')]);
      const done = await deploy(project);
      expect([done.revision, done.answer?.body]).toEqual([revision, String(value)]);
      expect(inService('killed')).toEqual([`${next}-0`, `${next}-1`]);
      expect(all()).toEqual(inService('killed'));
      expect(await get('killed')).toMatchObject({ state: 'ready', replicas: { wanted: 2, ready: 2 } });
      expect(await endpoints()).toEqual(addresses);
      for (const address of addresses) {
        if (address !== undefined) expect(await (await fetch(`${address}/`)).text()).toBe(String(value));
      }
    });
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
