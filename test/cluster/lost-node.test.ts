import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '#shared/model/project.ts';
import { makeHome, removeHome, whyNot } from '../integration/studio.ts';
import { type OpenTarget, openTarget } from './open-target.ts';
import { whyNoTestCluster, whyNotOwn } from './test-cluster.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const reason = whyNot() ?? whyNoTestCluster() ?? whyNotOwn();
/** A node that is silent for so long counts as lost. */
const nodeGraceSeconds = 10;

describe.skipIf(reason !== null)(`a node that is lost${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  let target: OpenTarget;
  let project: Project;
  let kubelet = 0;
  let node = '';
  const of = { target: 'test', name: 'greet' };
  const call: OpenTarget['studio']['client']['call'] = (...args) => target.studio.client.call(...args);
  const deploy = () => call('deploy:start', { projectId: project.id, target: 'test' });
  const waiting = { timeout: 60_000, interval: 300 };

  /** The process of our node's kubelet, in a process namespace of its own. */
  function findKubelet(): number {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        if (args[1] === 'kubelet' && args.includes(`--hostname-override=${node}`)) return Number(pid);
      } catch {
        // It has just ended.
      }
    }
    throw new Error('There is no kubelet.');
  }
  async function read(kind: 'deploy:logs' | 'deploy:console', follow = true): Promise<string> {
    let text = '';
    const put = (chunk: Uint8Array) => {
      text += Buffer.from(chunk).toString('utf8');
    };
    const stream =
      kind === 'deploy:logs'
        ? target.studio.client.openStream(kind, { ...of, follow }, put)
        : target.studio.client.openStream(kind, of, put);
    await stream.ended;
    return text;
  }

  beforeAll(async () => {
    target = await openTarget(home, {}, { nodeGraceSeconds });
    node = target.cluster.own?.nodeName ?? '';
    kubelet = findKubelet();
    project = await target.studio.project('greet', 'export default () => 1;');
    await deploy();
  });
  afterAll(async () => {
    if (kubelet !== 0) process.kill(kubelet, 'SIGCONT');
    await target?.close();
    removeHome(home);
  });

  it('is named wherever its pods are shown, and what asks it does not wait for it', async () => {
    expect(await call('deploy:get', of)).toMatchObject({ state: 'ready' });
    process.kill(kubelet, 'SIGSTOP');
    const words = expect.stringContaining(`its node ${node} does not answer`);
    await vi.waitFor(
      async () => expect(await call('deploy:get', of)).toMatchObject({ state: 'failing', message: words }),
      waiting,
    );
    expect(await call('deploy:list', { target: 'test' })).toMatchObject([
      { name: 'greet', state: 'failing', message: words },
    ]);
    expect(await read('deploy:logs', false)).toMatch(
      new RegExp(`^\\(no log of greet-\\S+: its node ${node} does not answer`),
    );
    expect(await read('deploy:console')).toMatch(
      new RegExp(`^\\(no console of greet-\\S+: its node ${node} does not answer`),
    );
  });

  it('is why a deploy fails, in the cluster’s words, and the same deploy works when it is back', async () => {
    writeFileSync(join(project.dir, 'handler.ts'), 'export default () => 2;');
    await expect(deploy()).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      details: { output: expect.stringMatching(/has no node: 0.1 nodes are available: .*untolerated taint/) },
    });
    process.kill(kubelet, 'SIGCONT');
    await vi.waitFor(
      async () => expect(await call('deploy:get', of)).toMatchObject({ state: 'ready', message: '' }),
      waiting,
    );
    expect((await deploy()).answer).toEqual({ status: 200, body: '2' });
    expect(await read('deploy:logs', false)).not.toContain('does not answer');
  });
});
