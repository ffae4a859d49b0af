import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '#shared/model/project.ts';
import { createSecondLibvirtd, whyNoSecondLibvirtd } from './second-libvirtd.ts';
import { createSshd, type Sshd, whyNoSshd } from './sshd.ts';
import { makeHome, openStudio, removeHome, type Studio, whyNot } from './studio.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const reason = whyNot() ?? whyNoSecondLibvirtd() ?? whyNoSshd();

describe.skipIf(reason !== null)(`a target of two hosts${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const dirs = reason === null ? [makeHome(), makeHome()] : ['', ''];
  const [oneDir = '', twoDir = ''] = dirs;
  // Neither sees our files: images come by the connection.
  const one = createSecondLibvirtd(oneDir, { hidden: [home] });
  const two = createSecondLibvirtd(twoDir, { hidden: [home] });
  let sshd: Sshd;
  let studio: Studio;
  let project: Project;

  const lines = (uri: string, args: readonly string[]) =>
    execFileSync('virsh', ['-c', uri, ...args], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line !== '');
  const running = (uri: string) => lines(uri, ['list', '--name']);
  const autostarted = (uri: string) => lines(uri, ['list', '--name', '--all', '--persistent', '--autostart']);
  const defined = (uri: string) => lines(uri, ['list', '--name', '--all', '--persistent']);
  const images = (uri: string) =>
    lines(uri, ['vol-list', 'firstlight']).filter((line) => /^ deployed-[0-9a-f]{64} /.test(line)).length;
  const write = (source: string) => writeFileSync(join(project.dir, 'handler.ts'), source);
  const deploy = (choice: object = {}) =>
    studio.client.call('deploy:start', { projectId: project.id, target: 'lab', ...choice });
  const of = { target: 'lab', name: 'greet' };
  const get = () => studio.client.call('deploy:get', of);
  const invoke = async () => (await studio.client.call('deploy:invoke', { ...of, path: '/' })).body;

  beforeAll(async () => {
    sshd = await createSshd(join(home, 'sshd'));
    await Promise.all([sshd.start(), one.start(), two.start()]);
    studio = await openStudio({ home });
    const socket = join(oneDir, 'sockets/libvirt-sock');
    const uris = [sshd.uri('/system', { socket }), two.uri];
    await studio.client.call('targets:add', { name: 'lab', kind: 'libvirt', uris });
    project = await studio.project('greet', 'export default () => "one";');
  });
  afterAll(async () => {
    await studio?.close();
    for (const lab of [one, two]) {
      lab.thaw();
      lab.destroyDomains('fn-');
      await lab.kill();
    }
    await sshd?.kill();
    for (const dir of [home, ...dirs]) removeHome(dir);
  });

  it('is tested host by host', async () => {
    const checks = await studio.client.call('targets:test', { target: 'lab' });
    expect(checks.map(({ id, status }) => [id.split(' ')[0], status])).toEqual(
      [one, two].flatMap(() => [
        ['reach', 'ok'],
        ['pool', 'ok'],
        ['accel', 'warning'],
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
    expect([running(one.uri), running(two.uri)]).toEqual([['fn-greet-r1-0'], ['fn-greet-r1-1']]);
    expect([autostarted(one.uri), autostarted(two.uri)]).toEqual([['fn-greet-r1-0'], ['fn-greet-r1-1']]);
    const [listed] = await studio.client.call('deploy:list', { target: 'lab' });
    expect(listed).toMatchObject({ name: 'greet', state: 'ready', revision: 1, replicas: { wanted: 2, ready: 2 } });
    expect([await invoke(), await invoke()]).toEqual(['"one"', '"one"']);
  });

  it('is copied to and changed only where something changed', async () => {
    const before = running(one.uri);
    const done = await deploy();
    expect([done.revision, done.pushedBytes]).toEqual([1, 0]);
    expect(running(one.uri)).toEqual(before);
  });

  it('replaces instances one by one, and keeps the revision before', async () => {
    write('export default () => "two";');
    const done = await deploy();
    expect([done.revision, done.answer?.body]).toEqual([2, '"two"']);
    expect([running(one.uri), running(two.uri)]).toEqual([['fn-greet-r2-0'], ['fn-greet-r2-1']]);
    expect(autostarted(one.uri)).toEqual(['fn-greet-r2-0']);
    const history = await studio.client.call('deploy:history', of);
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
    expect([running(one.uri), running(two.uri)]).toEqual([['fn-greet-r2-0'], ['fn-greet-r2-1']]);
    expect(await get()).toMatchObject({ state: 'ready', revision: 2 });
    writeFileSync(join(project.dir, 'firstlight.json'), JSON.stringify({ name: 'greet' }));
  });

  it('shows what its instances print, also what they printed before', async () => {
    write('export default (event) => { console.log("called at " + event.path); return "three"; };');
    await deploy({ replicas: 1 });
    await studio.client.call('deploy:invoke', { ...of, path: '/from-here?a=1' });
    let log = '';
    const stream = studio.client.openStream('deploy:logs', { ...of, follow: false }, (chunk) => {
      log += Buffer.from(chunk).toString('utf8');
    });
    await stream.ended;
    expect(log).toMatch(/^called at \/\r?\n[\s\S]*called at \/from-here/m);
    expect(log).not.toContain('[fn-');
  });

  it('goes back to an earlier revision', async () => {
    const after = await studio.client.call('deploy:rollback', { ...of, revision: 2 });
    expect(after).toMatchObject({ state: 'ready', revision: 4, replicas: { wanted: 1, ready: 1 } });
    expect(await invoke()).toBe('"two"');
    const again = studio.client.call('deploy:rollback', { ...of, revision: 2 });
    await expect(again).rejects.toMatchObject({ code: 'CONFLICT' });
    // It keeps the last three.
    await expect(studio.client.call('deploy:rollback', { ...of, revision: 1 })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: 'The hosts keep: 4, 3, 2',
    });
  });

  it('is scaled', async () => {
    expect((await studio.client.call('deploy:scale', { ...of, replicas: 3 })).replicas).toMatchObject({ ready: 3 });
    expect([...running(one.uri), ...running(two.uri)].sort()).toEqual([0, 1, 2].map((n) => `fn-greet-r4-${n}`));
    expect(await studio.client.call('deploy:scale', { ...of, replicas: 0 })).toMatchObject({ state: 'stopped' });
    expect([...running(one.uri), ...running(two.uri)]).toEqual([]);
    expect(await studio.client.call('deploy:scale', { ...of, replicas: 1 })).toMatchObject({ state: 'ready' });
    expect(await invoke()).toBe('"two"');
  });

  it('is taken off, with its images', async () => {
    expect(images(one.uri)).toBeGreaterThan(0);
    await studio.client.call('deploy:remove', of);
    expect([...defined(one.uri), ...defined(two.uri)]).toEqual([]);
    expect([images(one.uri), images(two.uri)]).toEqual([0, 0]);
    await expect(get()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
