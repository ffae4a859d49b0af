import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '#shared/model/project.ts';
import { whyNoSecondLibvirtd } from './second-libvirtd.ts';
import { whyNoSshd } from './sshd.ts';
import { whyNot } from './studio.ts';
import { openTwoHosts, type TwoHosts, virsh } from './two-hosts.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const reason = whyNot() ?? whyNoSecondLibvirtd() ?? whyNoSshd();

describe.skipIf(reason !== null)(`a target of two hosts${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let lab: TwoHosts;
  let project: Project;
  const call: TwoHosts['studio']['client']['call'] = (...args) => lab.studio.client.call(...args);

  const running = (uri: string) => virsh(uri, 'list', '--name');
  const autostarted = (uri: string) => virsh(uri, 'list', '--name', '--all', '--persistent', '--autostart');
  const defined = (uri: string) => virsh(uri, 'list', '--name', '--all', '--persistent');
  const images = (uri: string) =>
    virsh(uri, 'vol-list', 'firstlight').filter((line) => /^ deployed-[0-9a-f]{64} /.test(line)).length;
  const write = (source: string) => lab.write(project, source);
  const deploy = (choice: object = {}) => call('deploy:start', { projectId: project.id, target: 'lab', ...choice });
  const of = { target: 'lab', name: 'greet' };
  const get = () => call('deploy:get', of);
  const invoke = async () => (await call('deploy:invoke', { ...of, path: '/' })).body;

  beforeAll(async () => {
    lab = await openTwoHosts();
    project = await lab.studio.project('greet', 'export default () => "one";');
  });
  afterAll(async () => {
    await lab?.close();
  });

  it('is tested host by host', async () => {
    const checks = await call('targets:test', { target: 'lab' });
    expect(checks.map(({ id, status }) => [id.split(' ')[0], status])).toEqual(
      [0, 1].flatMap(() => [
        ['reach', 'ok'],
        ['pool', 'ok'],
        ['accel', 'warning'],
        ['endpoints', 'ok'],
        ['functions', 'ok'],
      ]),
    );
  });

  it('gets a function: spread over its hosts, persistent, started with them, and called once', async () => {
    const done = await deploy({ replicas: 2 });
    expect(done).toMatchObject({ revision: 1, namespace: null, answer: { status: 200, body: '"one"' } });
    expect(done.steps.map(({ name }) => name)).toEqual(['build', 'image', 'push', 'apply', 'rollout']);
    expect(done.pushedBytes).toBeGreaterThan(0);
    expect(done.warnings).toBeUndefined();
    expect([running(lab.one.uri), running(lab.two.uri)]).toEqual([['fn-greet-r1-0'], ['fn-greet-r1-1']]);
    expect([autostarted(lab.one.uri), autostarted(lab.two.uri)]).toEqual([['fn-greet-r1-0'], ['fn-greet-r1-1']]);
    const [listed] = await call('deploy:list', { target: 'lab' });
    expect(listed).toMatchObject({ name: 'greet', state: 'ready', revision: 1, replicas: { wanted: 2, ready: 2 } });
    expect([await invoke(), await invoke()]).toEqual(['"one"', '"one"']);
  });

  it('is copied to and changed only where something changed', async () => {
    const before = running(lab.one.uri);
    const done = await deploy();
    expect([done.revision, done.pushedBytes]).toEqual([1, 0]);
    expect(running(lab.one.uri)).toEqual(before);
  });

  it('replaces instances one by one, and keeps the revision before', async () => {
    write('export default () => "two";');
    const done = await deploy();
    expect([done.revision, done.answer?.body]).toEqual([2, '"two"']);
    expect([running(lab.one.uri), running(lab.two.uri)]).toEqual([['fn-greet-r2-0'], ['fn-greet-r2-1']]);
    expect(autostarted(lab.one.uri)).toEqual(['fn-greet-r2-0']);
    const history = await call('deploy:history', of);
    expect(history.map(({ revision, isCurrent }) => [revision, isCurrent])).toEqual([
      [2, true],
      [1, false],
    ]);
  });

  it('goes back by itself when the function does not answer, and says why', async () => {
    write('export default () => { console.log("before it hangs"); for (;;) globalThis.x = 1; };');
    writeFileSync(join(project.dir, 'firstlight.json'), JSON.stringify({ name: 'greet', timeoutMs: 300 }));
    const failing = deploy();
    await expect(failing).rejects.toMatchObject({ code: 'DEPLOY_FAILED', hint: 'Revision 2 is in service.' });
    expect([running(lab.one.uri), running(lab.two.uri)]).toEqual([['fn-greet-r2-0'], ['fn-greet-r2-1']]);
    expect(await get()).toMatchObject({ state: 'ready', revision: 2 });
    writeFileSync(join(project.dir, 'firstlight.json'), JSON.stringify({ name: 'greet' }));
  });

  it('shows what its instances print, also what they printed before', async () => {
    write('export default (event) => { console.log("called at " + event.path); return "three"; };');
    await deploy({ replicas: 1 });
    await call('deploy:invoke', { ...of, path: '/from-here?a=1' });
    let log = '';
    const stream = lab.studio.client.openStream('deploy:logs', { ...of, follow: false }, (chunk) => {
      log += Buffer.from(chunk).toString('utf8');
    });
    await stream.ended;
    expect(log).toMatch(/^called at \/\r?\n[\s\S]*called at \/from-here/m);
    expect(log).not.toContain('[fn-');
  });

  it('has the console of one of them, live, until it ends', async () => {
    let text = '';
    const [name = ''] = [...running(lab.one.uri), ...running(lab.two.uri)];
    const stream = lab.studio.client.openStream('deploy:console', { ...of, instance: name }, (chunk) => {
      text += Buffer.from(chunk).toString('utf8');
    });
    const waiting = { timeout: 60_000, interval: 200 };
    await vi.waitFor(() => expect(text).toMatch(/called at \/from-here/), waiting);
    await call('deploy:invoke', { ...of, path: '/later' });
    await vi.waitFor(() => expect(text).toMatch(/called at \/later\r?\n/), waiting);
    await call('deploy:scale', { ...of, replicas: 0 });
    await stream.ended;
    expect(text).toMatch(new RegExp(`\\(${name} is [^\n]+\\)\n$`));
    expect(text.match(/called at \/later/g)).toHaveLength(1);
    const unknown = lab.studio.client.openStream(
      'deploy:console',
      { ...of, instance: 'fn-greet-r9-9' },
      () => undefined,
    );
    await expect(unknown.ended).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await call('deploy:scale', { ...of, replicas: 1 });
  });

  it('goes back to an earlier revision', async () => {
    const after = await call('deploy:rollback', { ...of, revision: 2 });
    expect(after).toMatchObject({ state: 'ready', revision: 4, replicas: { wanted: 1, ready: 1 } });
    expect(await invoke()).toBe('"two"');
    const again = call('deploy:rollback', { ...of, revision: 2 });
    await expect(again).rejects.toMatchObject({ code: 'CONFLICT' });
    // It keeps the last three.
    await expect(call('deploy:rollback', { ...of, revision: 1 })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: 'The hosts keep: 4, 3, 2',
    });
  });

  it('is scaled', async () => {
    expect((await call('deploy:scale', { ...of, replicas: 3 })).replicas).toMatchObject({ ready: 3 });
    expect([...running(lab.one.uri), ...running(lab.two.uri)].sort()).toEqual([0, 1, 2].map((n) => `fn-greet-r4-${n}`));
    const stats = await call('deploy:stats', of);
    expect(stats.map(({ name }) => name).sort()).toEqual([0, 1, 2].map((n) => `fn-greet-r4-${n}`));
    for (const { source, memoryBytes, cpuPercent } of stats) {
      expect([source, (memoryBytes ?? 0) > 1 << 20, cpuPercent !== null]).toEqual(['libvirt', true, true]);
    }
    expect(await call('deploy:scale', { ...of, replicas: 0 })).toMatchObject({ state: 'stopped' });
    expect([...running(lab.one.uri), ...running(lab.two.uri)]).toEqual([]);
    expect(await call('deploy:scale', { ...of, replicas: 1 })).toMatchObject({ state: 'ready' });
    expect(await invoke()).toBe('"two"');
  });

  it('gives a function its arguments: those of the deploy, else of the function', async () => {
    const source = 'export default () => process.argv.slice(2);';
    const config = { args: ['--tier', 'gold'] };
    const argued = await lab.studio.project('argued', source, config);
    await call('projects:trust', { projectId: argued.id });
    const start = () => call('deploy:start', { projectId: argued.id, target: 'lab' });
    expect(await start()).toMatchObject({ revision: 1, answer: { body: '["--tier","gold"]' } });
    const profiled = { name: 'argued', ...config, deploy: { args: ['a b', '', 'ü"\\'] } };
    writeFileSync(join(argued.dir, 'firstlight.json'), JSON.stringify(profiled));
    const done = await start();
    expect([done.revision, JSON.parse(done.answer?.body ?? '')]).toEqual([2, profiled.deploy.args]);
    await call('deploy:remove', { ...of, name: 'argued' });
  });

  it('is taken off, with its images', async () => {
    expect(images(lab.one.uri)).toBeGreaterThan(0);
    await call('deploy:remove', of);
    expect([...defined(lab.one.uri), ...defined(lab.two.uri)]).toEqual([]);
    expect([images(lab.one.uri), images(lab.two.uri)]).toEqual([0, 0]);
    await expect(get()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
