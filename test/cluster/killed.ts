/** Commands that are killed while they change a cluster, and what is then told of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import type { Deployment } from '#shared/model/deploy.ts';
import { main } from '../../cli/program.ts';
import { createFakeIo } from '../../cli/testing/fake-io.ts';
import { removeHome, until } from '../integration/studio.ts';
import { type ApiProxy, openApiProxy } from './api-proxy.ts';
import { startTestCluster, type TestCluster } from './test-cluster.ts';

const cliPath = join(import.meta.dirname, '../../dist/cli.mjs');

/** The project `greet` of a home, and a cluster whose requests can be held. `start` makes both; `stop` removes them. */
export function makeKillable(target: string, home: string) {
  const dir = join(home, 'greet');
  const temporary = join(home, 'tmp');
  const env = {
    ...process.env,
    FIRSTLIGHT_HOME: join(home, 'fl'),
    DOCKER_CONFIG: join(home, 'docker'),
    TMPDIR: temporary,
    WORD: 'first',
  };
  let cluster: TestCluster;
  let proxy: ApiProxy;
  let registry: string[];

  /** What a command prints, by `--json`; null where there is no such function. */
  async function run<Value>(...args: string[]): Promise<Value | null> {
    const io = createFakeIo({ env });
    const code = await main([...args, '--json'], io);
    if (code === 2 && JSON.parse(io.out()).error?.code === 'NOT_FOUND') return null;
    expect({ args, code, err: code === 0 ? '' : io.err() }).toEqual({ args, code: 0, err: '' });
    return io.out() === '' ? null : JSON.parse(io.out());
  }
  const launch = (...args: string[]) =>
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

  return {
    home,
    dir,
    env,
    run,
    kubectl: (...args: string[]) => cluster.kubectl(...args),
    own: () => cluster.own,
    edit: (answer: string) => writeFileSync(join(dir, 'handler.ts'), `export default () => '${answer}';`),
    settings: (more: object) => writeFileSync(join(dir, 'firstlight.json'), JSON.stringify({ name: 'greet', ...more })),
    list: async () => (await run<Deployment[]>('deploy', 'list', '--target', target)) ?? [],
    status: async () => await run<Deployment>('deploy', 'status', 'greet', '--target', target),
    /** Starts a command, or a deploy, and kills it when a moment has come. */
    async killAt(moment: RegExp | (() => boolean), ...args: string[]): Promise<void> {
      const held = moment instanceof RegExp ? proxy.hold(moment) : null;
      const program = launch(...(args.length === 0 ? ['deploy', dir] : args), '--target', target);
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
    },
    /** Deploys to the end. */
    async finish(...more: string[]): Promise<{ revision: number; answer: { body: string } }> {
      const program = launch('deploy', dir, '--target', target, '--json', ...more);
      const [out, err, [code]] = await Promise.all([text(program.stdout), text(program.stderr), once(program, 'exit')]);
      expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
      return JSON.parse(out);
    },
    async start(parts: Parameters<typeof startTestCluster>[0], ...more: string[]): Promise<void> {
      for (const path of [dir, temporary, join(home, 'docker')]) mkdirSync(path);
      cluster = await startTestCluster(parts);
      proxy = await openApiProxy(cluster.own?.dir ?? '', cluster.kubeconfig);
      const { host, repository, auth, user, password, caPath } = cluster.registry;
      writeFileSync(join(home, 'docker/config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
      const secret = ['create', 'secret', 'docker-registry', 'pull', `--docker-server=${host}`];
      await cluster.kubectl(...secret, `--docker-username=${user}`, `--docker-password=${password}`);
      registry = ['--registry', repository, '--registry-ca', caPath ?? '', '--pull-secret', 'pull'];
      await run('target', 'add', target, '--kubeconfig', proxy.kubeconfig, ...registry, ...more);
    },
    async stop(): Promise<void> {
      proxy?.close();
      await cluster?.stop();
      removeHome(home);
    },
  };
}
