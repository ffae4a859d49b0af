import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CallContext } from '#shared/contract/index.ts';
import { deployCalls } from './deploy-calls.ts';
import { createPluginCredentials } from './kube/exec-credential.ts';
import { labelsOf } from './names.ts';
import { type ObjectServer, openObjectServer } from './testing/object-server.ts';

let server: ObjectServer;
let dir: string;
beforeEach(async () => {
  server = await openObjectServer();
  dir = await mkdtemp(join(tmpdir(), 'deploy-calls-'));
  const kubeconfig = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'one' },
    clusters: [{ name: 'one', cluster: { server: server.cluster.client.access.server.href } }],
    users: [{ name: 'me', user: {} }],
    contexts: [{ name: 'one', context: { cluster: 'one', user: 'me', namespace: 'team' } }],
  };
  await writeFile(join(dir, 'kubeconfig'), JSON.stringify(kubeconfig));
});
afterEach(async () => {
  server.close();
  await rm(dir, { recursive: true });
});

/** The calls of one home, in which every name is a target of the same cluster. */
function callsOf(home: string) {
  const get = async (name: string) => ({ ...server.cluster.target, name, kubeconfig: join(dir, 'kubeconfig') });
  const layout = { dataDir: join(dir, home) };
  const options = { targets: { get }, env: {}, layout, graceMs: 0, plugins: createPluginCredentials() };
  return deployCalls(options as unknown as Parameters<typeof deployCalls>[0]);
}
const context = { signal: new AbortController().signal } as CallContext;
const template = { spec: { containers: [{ name: 'function', image: 'r/greet@sha256:1' }] } };

it('lets one change of a function go on at a time, whatever its target is called and whichever home it is of', async () => {
  server.put('deployments', {
    metadata: { name: 'greet', labels: labelsOf('greet') },
    spec: { replicas: 1, template },
  });
  let goOn: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let isHeld = false;
  server.refuse = async (request) => {
    if (request !== 'PATCH deployments/greet') return undefined;
    isHeld = true;
    await held;
    return undefined;
  };
  const of = { target: 'home', name: 'greet' };
  const scaling = callsOf('one')['deploy:scale']({ ...of, replicas: 2 }, context);
  await expect.poll(() => isHeld).toBe(true);
  const other = { target: 'work', name: 'greet' };
  for (const calls of [callsOf('one'), callsOf('two')]) {
    for (const change of [
      () => calls['deploy:scale']({ ...other, replicas: 3 }, context),
      () => calls['deploy:rollback'](other, context),
      () => calls['deploy:remove'](other, context),
      () => calls['deploy:traffic']({ ...other, shares: [{ revision: 'latest', percent: 100 }] }, context),
    ]) {
      const message = 'greet is being deployed or changed already.';
      await expect(change()).rejects.toMatchObject({ code: 'CONFLICT', message });
    }
  }
  goOn();
  expect(await scaling).toMatchObject({ name: 'greet', replicas: { wanted: 2 } });
  expect(await callsOf('two')['deploy:remove'](other, context)).toBeNull();
  expect(server.get('deployments', 'greet')).toBeUndefined();
});
