import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '#shared/model/project.ts';
import { whyNoSecondLibvirtd } from './second-libvirtd.ts';
import { whyNoSshd } from './sshd.ts';
import { whyNot } from './studio.ts';
import { openTwoHosts, type TwoHosts, virsh } from './two-hosts.ts';

// A busy machine needs long to start a QEMU, and a base has 100 MB and more.
vi.setConfig({ testTimeout: 400_000, hookTimeout: 240_000 });
const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;
const reason =
  nanosDir === undefined
    ? 'FIRSTLIGHT_NANOS_DIR names no build of Nanos'
    : (whyNot() ?? whyNoSecondLibvirtd() ?? whyNoSshd());

describe.skipIf(reason !== null)(`Nanos on hosts${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let lab: TwoHosts;
  let project: Project;
  const call: TwoHosts['studio']['client']['call'] = (...args) => lab.studio.client.call(...args);
  const source = (word: string) =>
    `let calls = 0; export default (event) => { console.log('called ' + event.path); return { word: '${word}', path: event.path, calls: ++calls, args: process.argv.slice(2) }; };`;
  const deploy = (choice: object = {}) => call('deploy:start', { projectId: project.id, target: 'lab', ...choice });
  const of = { target: 'lab', name: 'greet' };
  const volumes = (uri: string) =>
    virsh(uri, 'vol-list', 'firstlight').map((line) => line.trim().split(/\s+/)[0] ?? '');

  beforeAll(async () => {
    lab = await openTwoHosts();
    await call('kernels:install', { runtime: 'nanos', from: nanosDir ?? '' });
    project = await lab.studio.project('greet', source('one'), {
      ...{ runtime: 'nanos', memoryMiB: 256, args: ['not this'], deploy: { args: ['--tier', 'a b'] } },
    });
  });
  afterAll(async () => {
    await lab?.close();
  });

  it('runs a function on each host, which answers at its endpoint, and prints to its log', async () => {
    const done = await deploy({ replicas: 2 });
    expect(JSON.parse(done.answer?.body ?? '')).toMatchObject({ word: 'one', path: '/', args: ['--tier', 'a b'] });
    const { instances = [], state } = await call('deploy:get', of);
    expect([state, instances.length]).toEqual(['ready', 2]);
    for (const { endpoint = '' } of instances) {
      expect(await (await fetch(`${endpoint}/here`)).json()).toMatchObject({ word: 'one', path: '/here' });
    }
    // By SSH and directly, in turn.
    for (const _ of [1, 2]) {
      expect((await call('deploy:invoke', { ...of, path: '/there' })).body).toContain('"path":"/there"');
    }
    let log = '';
    const logs = lab.studio.client.openStream('deploy:logs', { ...of, follow: false }, (chunk) => {
      log += Buffer.from(chunk).toString('utf8');
    });
    await logs.ended;
    expect(log.match(/called \/there/g)).toHaveLength(2);
  });

  it('sends an edit only: the base stays, and each instance has a disk of its own on it', async () => {
    lab.write(project, source('two'));
    const done = await deploy();
    expect([done.revision, JSON.parse(done.answer?.body ?? '').word]).toEqual([2, 'two']);
    expect(done.pushedBytes).toBeLessThan(2_000_000);
    expect(volumes(lab.one.uri).filter((name) => name === 'fn-greet-r2-0.qcow2')).toHaveLength(1);
  });

  it('answers again after a restart of its host, which nobody but libvirt has started', async () => {
    const { instances = [] } = await call('deploy:get', of);
    const there = instances.find(({ host }) => host === lab.two.uri);
    await lab.two.reboot();
    const answer = await vi.waitFor(async () => await (await fetch(`${there?.endpoint}/again`)).json(), {
      timeout: 120_000,
      interval: 500,
    });
    expect(answer).toMatchObject({ word: 'two', path: '/again' });
  });

  it('goes back to an earlier revision, by the images that the hosts have', async () => {
    expect(await call('deploy:rollback', of)).toMatchObject({ state: 'ready', revision: 3 });
    expect((await call('deploy:invoke', { ...of, path: '/' })).body).toContain('"word":"one"');
  });

  it('runs a program that serves HTTP, and says of one that ends what it printed', async () => {
    const dir = join(lab.home, 'p', 'server');
    mkdirSync(dir, { recursive: true });
    const settings = { name: 'server', runtime: 'nanos', memoryMiB: 256, port: 9000 };
    const program = { program: process.execPath, args: ['/server.cjs'], files: { '/server.cjs': 'server.cjs' } };
    writeFileSync(join(dir, 'firstlight.json'), JSON.stringify({ ...settings, ...program }));
    const write = (code: string) => writeFileSync(join(dir, 'server.cjs'), code);
    write("console.log('no luck'); process.exit(3);");
    const server = await call('projects:open', { dir });
    await call('projects:trust', { projectId: server.id });
    const start = () => call('deploy:start', { projectId: server.id, target: 'lab' });
    await expect(start()).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: expect.stringContaining('ended before it was up'),
      details: { output: expect.stringContaining('no luck') },
    });
    write("require('http').createServer((q, a) => a.end(q.method + ' ' + q.url)).listen(9000);");
    expect((await start()).answer).toEqual({ status: 200, body: 'GET /' });
    const posted = await call('deploy:invoke', { ...of, name: 'server', method: 'POST', path: '/a?b=c', body: '1' });
    expect(posted.body).toBe('POST /a?b=c');
    await call('deploy:remove', { ...of, name: 'server' });
  });

  it('is taken off with its disks, images and base', async () => {
    await call('deploy:remove', of);
    for (const { uri } of [lab.one, lab.two]) {
      expect(volumes(uri).filter((name) => /^(fn-|deployed-)/.test(name))).toEqual([]);
    }
  });
});
