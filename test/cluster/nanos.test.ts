import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeHome, removeHome, whyNot } from '../integration/studio.ts';
import { type OpenTarget, openTarget } from './open-target.ts';
import { whyNoTestCluster, whyNotOwn } from './test-cluster.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;
const reason =
  nanosDir === undefined ? 'FIRSTLIGHT_NANOS_DIR names no build of Nanos' : (whyNot() ?? whyNoTestCluster());

describe.skipIf(reason !== null)(`Nanos on a real cluster${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  let target: OpenTarget;
  const config = {
    runtime: 'nanos',
    memoryMiB: 256,
    args: ['own'],
    deploy: { secrets: { TOKEN: { env: 'FL_TOKEN' } } },
  };
  const source = (word: string) =>
    `export default (event) => { console.log('called ' + event.path); return { word: '${word}', path: event.path, token: process.env.TOKEN?.length, args: process.argv.slice(2) }; };`;
  /** What a function answers once a person has written other arguments into its Deployment. */
  const answerWith = async (name: string, args: string[]) => {
    const patch = JSON.stringify([{ op: 'add', path: '/spec/template/spec/containers/0/args', value: args }]);
    await target.cluster.kubectl('patch', `deployment/${name}`, '--type=json', `--patch=${patch}`);
    await target.cluster.kubectl('rollout', 'status', `deployment/${name}`, '--timeout=120s');
    const request = { target: 'test', name, method: 'GET', path: '/', body: '' };
    return JSON.parse((await target.studio.client.call('deploy:invoke', request)).body) as unknown;
  };

  beforeAll(async () => {
    target = await openTarget(home, { FL_TOKEN: 'not to be seen' });
    await target.studio.client.call('kernels:install', { runtime: 'nanos', from: nanosDir ?? '' });
  });
  afterAll(async () => {
    await target?.close();
    removeHome(home);
  });

  it('runs a function, with its output in the log, its secret, and its own word for the probe', async () => {
    const { client } = target.studio;
    const project = await target.studio.project('greet', source('one'), config);
    const done = await client.call('deploy:start', { projectId: project.id, target: 'test' });
    expect(JSON.parse(done.answer?.body ?? '')).toEqual({ word: 'one', path: '/', token: 14, args: ['own'] });
    const log = await target.logOf('greet');
    expect(log).toMatch(/the guest gets TOKEN[\s\S]*ready \d+ ms after QEMU's start[\s\S]*called \//);
    expect(log).not.toContain('not to be seen');

    writeFileSync(join(project.dir, 'handler.ts'), source('two'));
    const again = await client.call('deploy:start', { projectId: project.id, target: 'test' });
    expect(JSON.parse(again.answer?.body ?? '')).toMatchObject({ word: 'two' });
    expect(again.pushedBytes).toBeLessThan(1_000_000);
    const start = await client.call('deploy:coldStart', { target: 'test', name: 'greet' });
    expect(start.phases.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['vmm', 'firmware', 'boot', 'wait', 'answer']),
    );
    expect(await answerWith('greet', ['by', '-h'])).toMatchObject({ token: 14, args: ['by', '-h'] });
  });

  it('runs a program that serves HTTP, asked for that it is up', async () => {
    const dir = join(home, 'p', 'server');
    mkdirSync(dir, { recursive: true });
    writeFileSync(
      join(dir, 'server.cjs'),
      "require('http').createServer((q, a) => a.end(q.method + ' ' + q.url)).listen(9000);",
    );
    const settings = { name: 'server', runtime: 'nanos', memoryMiB: 256, port: 9000 };
    const program = { program: process.execPath, args: ['/server.cjs'], files: { '/server.cjs': 'server.cjs' } };
    writeFileSync(join(dir, 'firstlight.json'), JSON.stringify({ ...settings, ...program }));
    const { client } = target.studio;
    const project = await client.call('projects:open', { dir });
    await client.call('projects:trust', { projectId: project.id });
    const done = await client.call('deploy:start', { projectId: project.id, target: 'test' });
    expect(done.answer).toEqual({ status: 200, body: 'GET /' });
    const of = { target: 'test', name: 'server' };
    expect(await client.call('deploy:invoke', { ...of, method: 'POST', path: '/a?b=c', body: '1' })).toMatchObject({
      body: 'POST /a?b=c',
    });
  });

  const ownOnly = whyNotOwn();
  it.skipIf(ownOnly !== null)(
    `runs a function as an ordinary container by a RuntimeClass${ownOnly === null ? '' : ` (skipped: ${ownOnly})`}`,
    async () => {
      const { client } = target.studio;
      const [first] = await client.call('targets:list', {});
      if (first?.kind !== 'kubernetes') throw new Error('There is no target.');
      await client.call('targets:add', { ...first, name: 'plain', engine: 'runtimeclass:plain' });
      const project = await target.studio.project('boxed', source('boxed'), config);
      const deploy = () => client.call('deploy:start', { projectId: project.id, target: 'plain' });
      await expect(deploy()).rejects.toMatchObject({ code: 'NOT_FOUND', message: /no RuntimeClass "plain"/ });
      const path = join(home, 'class.json');
      const metadata = { name: 'plain' };
      writeFileSync(
        path,
        JSON.stringify({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata, handler: 'runc' }),
      );
      await target.cluster.kubectl('apply', '-f', path);
      const done = await deploy();
      expect(JSON.parse(done.answer?.body ?? '')).toEqual({ word: 'boxed', path: '/', token: 14, args: ['own'] });
      expect(done.steps.find(({ name }) => name === 'apply')?.detail).toBe('a container of RuntimeClass plain');
      writeFileSync(join(project.dir, 'handler.ts'), source('again'));
      const again = await deploy();
      expect(JSON.parse(again.answer?.body ?? '')).toMatchObject({ word: 'again' });
      expect(again.pushedBytes).toBeLessThan(1_000_000);
      expect(await answerWith('boxed', ['by', '$(x)'])).toMatchObject({ word: 'again', args: ['by', '$(x)'] });
      const ember = await target.studio.project('lonely', 'export default () => 1;');
      await expect(client.call('deploy:start', { projectId: ember.id, target: 'plain' })).rejects.toMatchObject({
        code: 'MACHINE_UNSUPPORTED',
        message: 'lonely runs on ember, whose functions are no ordinary containers.',
      });
    },
  );
});
