import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Deployment } from '#shared/model/deploy.ts';
import { main } from '../../cli/program.ts';
import { createFakeIo } from '../../cli/testing/fake-io.ts';
import { makeHome, removeHome, until, whyNot } from '../integration/studio.ts';
import { type ApiProxy, openApiProxy } from './api-proxy.ts';
import { startTestCluster, type TestCluster, whyNoTestCluster, whyNotOwn } from './test-cluster.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const cliPath = join(import.meta.dirname, '../../dist/cli.mjs');
const reason = whyNot() ?? whyNoTestCluster() ?? whyNotOwn();

describe.skipIf(reason !== null)(`a deploy that is killed${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  const dir = join(home, 'greet');
  const temporary = join(home, 'tmp');
  const env = {
    ...process.env,
    FIRSTLIGHT_HOME: join(home, 'fl'),
    DOCKER_CONFIG: join(home, 'docker'),
    TMPDIR: temporary,
  };
  let cluster: TestCluster;
  let proxy: ApiProxy;

  const cache = (...names: string[]) => join(home, 'fl/cache', ...names);
  const edit = (answer: string) => writeFileSync(join(dir, 'handler.ts'), `export default () => '${answer}';`);
  /** What a command prints, by `--json`; null where there is no such function. */
  async function run<Value>(...args: string[]): Promise<Value | null> {
    const io = createFakeIo({ env });
    const code = await main([...args, '--json'], io);
    if (code === 2 && JSON.parse(io.out()).error?.code === 'NOT_FOUND') return null;
    expect({ args, code, err: code === 0 ? '' : io.err() }).toEqual({ args, code: 0, err: '' });
    return io.out() === '' ? null : JSON.parse(io.out());
  }
  const list = async () => (await run<Deployment[]>('deploy', 'list')) ?? [];
  const status = async () => (await run<{ deployment?: Deployment } & Deployment>('deploy', 'status', 'greet')) ?? null;

  const start = (...args: string[]) =>
    spawn(process.execPath, [cliPath, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  /** The processes that a command has started, and theirs. */
  const processes = () =>
    readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`TMPDIR=${temporary}\0`);
      } catch {
        return false;
      }
    });
  async function kill(program: ChildProcess): Promise<void> {
    const exited = once(program, 'exit');
    program.kill('SIGKILL');
    expect(await exited).toEqual([null, 'SIGKILL']);
    await until('nothing of it runs', () => processes().length === 0);
    expect(readdirSync(temporary)).toEqual([]);
  }
  /** Starts a command and kills it when a moment has come. */
  async function killAt(moment: RegExp | (() => boolean), ...args: string[]): Promise<void> {
    const held = moment instanceof RegExp ? proxy.hold(moment) : null;
    const program = start(...(args.length === 0 ? ['deploy', dir] : args));
    const ended = Promise.all([text(program.stdout), text(program.stderr), once(program, 'exit')]).then(
      ([out, err]) => {
        throw new Error(`It ended before it could be killed:\n${out}${err}`);
      },
    );
    ended.catch(() => undefined);
    const come = async () => {
      for (const seen = moment as () => boolean; !seen(); ) await new Promise((resolve) => setTimeout(resolve, 2));
    };
    await Promise.race([held ?? come(), ended]);
    await kill(program);
  }
  /** Deploys to the end. */
  async function finish(): Promise<{ revision: number; answer: { body: string } }> {
    const program = start('deploy', dir, '--json');
    const [out, err, [code]] = await Promise.all([text(program.stdout), text(program.stderr), once(program, 'exit')]);
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
    return JSON.parse(out);
  }

  beforeAll(async () => {
    for (const path of [dir, temporary, join(home, 'docker')]) mkdirSync(path);
    writeFileSync(join(dir, 'firstlight.json'), JSON.stringify({ name: 'greet' }));
    edit('one');
    cluster = await startTestCluster();
    proxy = await openApiProxy(cluster.own?.dir ?? '', cluster.kubeconfig);
    const { host, repository, auth, user, password, caPath } = cluster.registry;
    writeFileSync(join(home, 'docker/config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
    const secret = ['create', 'secret', 'docker-registry', 'pull', `--docker-server=${host}`];
    await cluster.kubectl(...secret, `--docker-username=${user}`, `--docker-password=${password}`);
    const registry = ['--registry', repository, '--registry-ca', caPath ?? '', '--pull-secret', 'pull'];
    await run('target', 'add', 'test', '--kubeconfig', proxy.kubeconfig, ...registry);
  });
  afterAll(async () => {
    proxy?.close();
    await cluster?.stop();
    removeHome(home);
  });

  it('before anything is applied leaves nothing on the cluster', async () => {
    const uploads = join(cluster.own?.dir ?? '', 'registry/docker/registry/v2/repositories/functions/greet/_uploads');
    const moments: [string, RegExp | (() => boolean)][] = [
      ['build', () => existsSync(cache('bundles'))],
      ['image', () => existsSync(cache('pod-layers/sha256')) && readdirSync(cache('pod-layers/sha256')).length > 0],
      ['push', () => existsSync(uploads)],
      ['apply', /^PATCH .*\/deployments\/greet\?/],
    ];
    for (const [moment, reached] of moments) {
      await killAt(reached);
      expect([moment, await list(), await status()]).toEqual([moment, [], null]);
    }
  });

  const halfDeployed = {
    state: 'progressing',
    message: expect.stringMatching(/^the deploy of 2\S+ has not put all its parts in place/),
  };
  const replicas = async () =>
    (await cluster.kubectl('get', 'deployment/greet', '-o', 'jsonpath={.status.readyReplicas}')).trim();

  it('between two objects says so, also when its pod is ready, until a deploy has ended', async () => {
    await killAt(/^PATCH .*\/services\/greet\?/);
    await until('its pod is ready', async () => (await replicas()) === '1', 60_000);
    expect(await list()).toMatchObject([{ name: 'greet', ...halfDeployed }]);
    expect(await status()).toMatchObject(halfDeployed);
    await expect(cluster.kubectl('get', 'service/greet')).rejects.toThrow(/not found/);
    await killAt(/^GET .*\/deployments\?.*watch=/);
    await until('it is ready', async () => (await status())?.state === 'ready', 60_000);
    expect(await status()).toMatchObject({ revision: 1, message: '' });
  });

  it('in mid-update is told of, and finished by the next one', async () => {
    edit('two');
    await killAt(/^PATCH .*\/services\/greet\?/);
    await until(
      'its pod is ready',
      async () => (await status())?.replicas.updated === 1 && (await replicas()) === '1',
      60_000,
    );
    expect(await list()).toMatchObject([{ name: 'greet', revision: 2, ...halfDeployed }]);
    expect(await finish()).toMatchObject({ revision: 2, answer: { body: '"two"' } });
    expect(await list()).toMatchObject([{ state: 'ready', revision: 2, message: '' }]);
    edit('three');
    await killAt(/^GET .*\/services\/greet:http\/proxy\//);
    expect(await status()).toMatchObject({ state: 'ready', revision: 3, message: '' });
    expect(await finish()).toMatchObject({ revision: 3, answer: { body: '"three"' } });
  });

  it('and an undeploy that is killed is told of as well', async () => {
    await killAt(/^DELETE .*\/services\/greet/, 'deploy', 'undeploy', 'greet');
    const message = expect.stringMatching(/^the undeploy of 2\S+ has not taken all its parts away/);
    expect(await list()).toMatchObject([{ name: 'greet', state: 'progressing', message }]);
    expect(await finish()).toMatchObject({ answer: { body: '"three"' } });
    expect(await list()).toMatchObject([{ state: 'ready', message: '' }]);
    await run('deploy', 'undeploy', 'greet');
    expect(await list()).toEqual([]);
  });
});
