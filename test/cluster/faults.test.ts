import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Project } from '#shared/model/project.ts';
import { makeHome, removeHome, whyNot } from '../integration/studio.ts';
import { type OpenTarget, openTarget } from './open-target.ts';
import { whyNoTestCluster, whyNotOwn } from './test-cluster.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const reason = whyNot() ?? whyNoTestCluster();
const ownOnly = whyNotOwn();
const ofOwn = (title: string) => (ownOnly === null ? title : `${title} (skipped: ${ownOnly})`);

/** Refuses Deployments with this name, as an admission webhook would. */
const policy = [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'no-greet' },
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] },
        ],
      },
      validations: [{ expression: "object.metadata.name != 'greet'", message: 'nobody greets here' }],
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: 'no-greet' },
    spec: { policyName: 'no-greet', validationActions: ['Deny'] },
  },
];

describe.skipIf(reason !== null)(`faults of a cluster${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const home = reason === null ? makeHome() : '';
  let target: OpenTarget;
  let project: Project;
  const of = { target: 'test', name: 'greet' };
  const call: OpenTarget['studio']['client']['call'] = (...args) => target.studio.client.call(...args);
  const deploy = (name = 'test') => call('deploy:start', { projectId: project.id, target: name });
  const kubectl = (...args: string[]) => target.cluster.kubectl(...args);
  /** Adds a target that differs from `test`. */
  async function addTarget(name: string, more: object): Promise<void> {
    const [first] = await call('targets:list', {});
    if (first === undefined) throw new Error('There is no target.');
    await call('targets:add', { ...first, name, ...more });
  }

  beforeAll(async () => {
    target = await openTarget(home);
    project = await target.studio.project('greet', 'export default () => 1;');
  });
  afterAll(async () => {
    await target?.close();
    removeHome(home);
  });

  it('a namespace that is not there, with the command for it', async () => {
    await addTarget('nowhere', { namespace: 'nowhere', pullSecret: null });
    const checks = await call('targets:test', { target: 'nowhere' });
    expect(checks.find(({ id }) => id === 'namespace')).toMatchObject({
      status: 'failed',
      fix: 'kubectl create namespace nowhere',
    });
    await expect(deploy('nowhere')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('"nowhere" not found'),
    });
  });

  it('a user without rights, each of them by name', async () => {
    await kubectl('create', 'serviceaccount', 'weak');
    const kubeconfig = JSON.parse(readFileSync(target.cluster.kubeconfig, 'utf8'));
    kubeconfig.users[0].user = { token: (await kubectl('create', 'token', 'weak')).trim() };
    const path = join(home, 'weak.kubeconfig');
    writeFileSync(path, JSON.stringify(kubeconfig));
    await addTarget('weak', { kubeconfig: path, pullSecret: null });
    const checks = await call('targets:test', { target: 'weak' });
    const rights = checks.find(({ id }) => id === 'rights');
    expect(rights).toMatchObject({ status: 'failed', found: expect.stringContaining('patch deployments') });
    expect(checks.find(({ id }) => id === 'autoscale')?.found).toContain('patch horizontalpodautoscalers');
    expect(checks.find(({ id }) => id === 'pull')).toMatchObject({ status: 'warning' });
    await expect(deploy('weak')).rejects.toMatchObject({ code: 'CLUSTER_DENIED', message: /forbidden/ });
  });

  it('a token that has expired, or that nobody knows', async () => {
    const kubeconfig = JSON.parse(readFileSync(target.cluster.kubeconfig, 'utf8'));
    kubeconfig.users[0].user = { token: 'unknown' };
    const path = join(home, 'unknown.kubeconfig');
    writeFileSync(path, JSON.stringify(kubeconfig));
    await addTarget('unknown', { kubeconfig: path });
    await expect(deploy('unknown')).rejects.toMatchObject({ code: 'CLUSTER_DENIED' });
  });

  it('a kubeconfig with the certificate authority of another cluster', async () => {
    const kubeconfig = JSON.parse(readFileSync(target.cluster.kubeconfig, 'utf8'));
    const { cluster } = kubeconfig.clusters[0];
    delete cluster['certificate-authority'];
    cluster['certificate-authority-data'] = Buffer.from(rootCertificates[0] ?? '').toString('base64');
    const path = join(home, 'other-ca.kubeconfig');
    writeFileSync(path, JSON.stringify(kubeconfig));
    await addTarget('other-ca', { kubeconfig: path });
    await expect(deploy('other-ca')).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
      message: expect.stringContaining('not of the authority that the kubeconfig names'),
      hint: expect.stringContaining('certificate-authority-data'),
    });
  });

  it.skipIf(ownOnly !== null)(ofOwn('a policy that refuses it, in its own words, also beforehand'), async () => {
    const path = join(home, 'policy.json');
    writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: policy }));
    await kubectl('apply', '-f', path);
    const words = { message: expect.stringContaining('nobody greets here') };
    // A new policy takes effect a moment later.
    await vi.waitFor(
      async () =>
        await expect(call('deploy:preview', { projectId: project.id, target: 'test' })).rejects.toMatchObject(words),
      { timeout: 30_000, interval: 500 },
    );
    await expect(deploy()).rejects.toMatchObject(words);
    await expect(kubectl('get', 'deployment/greet')).rejects.toThrow(/not found/);
    await kubectl('delete', '-f', path);
    await vi.waitFor(async () => await call('deploy:preview', { projectId: project.id, target: 'test' }), {
      timeout: 30_000,
      interval: 500,
    });
  });

  it.skipIf(ownOnly !== null)(ofOwn('a cluster without room: said at once, and taken away again'), async () => {
    await kubectl('cordon', target.cluster.own?.nodeName ?? '');
    const seen: string[] = [];
    const failing = call(
      'deploy:start',
      { projectId: project.id, target: 'test' },
      { onProgress: ({ message }) => seen.push(message) },
    );
    await expect(failing).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: expect.stringContaining('unschedulable'),
      hint: 'It was new, so it was taken away again.',
    });
    expect(seen.join('\n')).toContain('unschedulable');
    await kubectl('uncordon', target.cluster.own?.nodeName ?? '');
    await expect(kubectl('get', 'deployment/greet')).rejects.toThrow(/not found/);
  });

  it('a deploy that is cancelled at any step is finished by the next one', async () => {
    for (const at of ['push', 'apply', 'rollout']) {
      const cancelling = new AbortController();
      const onProgress = ({ step }: { readonly step: string }) => {
        if (step === at) cancelling.abort();
      };
      const cancelled = call(
        'deploy:start',
        { projectId: project.id, target: 'test' },
        { onProgress, signal: cancelling.signal },
      );
      await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    }
    expect((await deploy()).answer).toEqual({ status: 200, body: '1' });
  });

  it('a pod that is killed, and what the cluster makes of it', async () => {
    await kubectl('delete', 'pod', '--selector=app.kubernetes.io/name=greet', '--grace-period=0', '--force');
    await vi.waitFor(async () => expect((await call('deploy:get', of)).state).toBe('ready'), {
      timeout: 60_000,
      interval: 300,
    });
    expect((await call('deploy:invoke', of)).body).toBe('1');
  });

  it('memory that does not suffice, in the words of the kubelet', async () => {
    const limit = { name: 'function', resources: { limits: { memory: '20Mi' }, requests: { memory: '20Mi' } } };
    const patch = JSON.stringify({ spec: { template: { spec: { containers: [limit] } } } });
    await kubectl('patch', 'deployment/greet', '--patch', patch);
    await vi.waitFor(
      async () => expect(await call('deploy:get', of)).toMatchObject({ message: expect.stringMatching(/OOMKilled/) }),
      { timeout: 60_000, interval: 300 },
    );
    await call('deploy:remove', of);
  });

  it('what somebody else runs under the name is not taken away', async () => {
    await kubectl('create', 'deployment', 'greet', '--image=registry.invalid/theirs:1', '--replicas=0');
    await expect(call('deploy:remove', of)).rejects.toMatchObject({
      ...{ code: 'CONFLICT', message: expect.stringContaining('was not deployed by Firstlight') },
    });
    await kubectl('delete', 'deployment', 'greet');
    await expect(call('deploy:remove', of)).resolves.toBeNull();
  });

  it('is what kubectl applies from our files as well', async () => {
    const { files } = await call('deploy:manifests', { projectId: project.id, target: 'test', format: 'kustomize' });
    const dir = join(home, 'kustomize');
    for (const { path, text } of files) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    }
    await kubectl('apply', '-k', dir);
    await kubectl('rollout', 'status', 'deployment/greet', '--timeout=60s');
    expect((await call('deploy:invoke', of)).body).toBe('1');
  });
});
