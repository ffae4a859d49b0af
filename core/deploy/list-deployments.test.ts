import { expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import type { KubernetesTarget } from '#shared/model/deploy.ts';
import type { Cluster } from './cluster.ts';
import type { DeploymentObject } from './kube/objects.ts';
import { describeLeftovers } from './leftover-secrets.ts';
import { describe, describeAll, listCauses } from './list-deployments.ts';
import { lostPod } from './testing/pod-logs.ts';
import { withMark, withoutMark } from './unfinished.ts';

const target = { name: 'test' } as KubernetesTarget;
const template = { spec: { containers: [{ name: 'function', image: 'i@sha256:1' }] } };
function stateOf(status: NonNullable<DeploymentObject['status']>, spec: Partial<DeploymentObject['spec']> = {}) {
  const deployment = { metadata: { name: 'greet', generation: 2 }, spec: { replicas: 1, template, ...spec }, status };
  return describe({ target, namespace: 'team' }, deployment, [], []).state;
}
const whole = { observedGeneration: 2, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };

it('is ready only when its present pods are, and not by the grace of earlier ones', () => {
  expect(stateOf(whole)).toBe('ready');
  // The old pod serves on while the new one does not become ready.
  expect(stateOf({ ...whole, replicas: 2 })).toBe('progressing');
  expect(stateOf({ ...whole, observedGeneration: 1 })).toBe('progressing');
});

it('is stopped without pods, and paused where it is', () => {
  expect(stateOf({ observedGeneration: 2 }, { replicas: 0 })).toBe('stopped');
  expect(stateOf(whole, { paused: true })).toBe('paused');
});

it('is not ready while a deploy or an undeploy of it has not ended, and says so', () => {
  const plain = { metadata: { name: 'greet', generation: 2 }, spec: { replicas: 1, template }, status: whole };
  const of = (deployment: DeploymentObject) => {
    const { state, message } = describe({ target, namespace: 'team' }, deployment, [], []);
    return [state, message];
  };
  expect(of(withMark(plain, 'deploy'))).toEqual([
    'progressing',
    expect.stringMatching(/^the deploy of 2\S+ has not put/),
  ]);
  const stopped = withMark(
    { ...plain, spec: { replicas: 0, template }, status: { observedGeneration: 2 } },
    'undeploy',
  );
  expect(of(stopped)).toEqual(['stopped', expect.stringMatching(/^the undeploy of 2\S+ has not taken/)]);
  expect(of(withoutMark(withMark(plain, 'deploy')))).toEqual(['ready', '']);
});

it('names the cause where a pod of it is in trouble, and asks for pods only then', async () => {
  const asked: string[] = [];
  const annotations = { 'deployment.kubernetes.io/revision': '1' };
  const labels = { 'app.kubernetes.io/name': 'greet' };
  const owned = (name: string, uid: string) => ({
    name,
    uid,
    labels,
    annotations,
    ownerReferences: [{ uid: name === 'rs' ? 'd' : 'rs' }],
  });
  const lost = { ...lostPod('greet-1'), metadata: owned('greet-1', 'p') };
  const client = {
    json: async (path: string) => {
      asked.push(path);
      return { items: path.endsWith('/pods') ? [lost] : [{ metadata: owned('rs', 'rs'), spec: { template } }] };
    },
  };
  const cluster = { client, target, namespace: 'team' } as unknown as Cluster;
  const metadata = { name: 'greet', uid: 'd', generation: 2, annotations };
  const ready = { metadata, spec: { replicas: 1, template }, status: whole };
  expect((await listCauses(cluster, [ready])).size).toBe(0);
  expect(asked).toEqual([]);
  const unready = { ...ready, status: { ...whole, readyReplicas: 0, availableReplicas: 0 } };
  const objects = { services: [], revisions: [], sets: [], secrets: [], causes: await listCauses(cluster, [unready]) };
  expect(describeAll(cluster, { ...objects, deployments: [unready] })).toMatchObject([
    { name: 'greet', state: 'failing', message: expect.stringContaining('its node n1 does not answer') },
  ]);
  client.json = () => Promise.reject(new FirstlightError('CLUSTER_DENIED', 'forbidden'));
  expect((await listCauses(cluster, [unready])).size).toBe(0);
});

it('asks for the pods of a few functions by their names, and for all where there are many', async () => {
  const asked: string[] = [];
  const json = async (_path: string, { query }: { readonly query: { readonly labelSelector: string } }) => {
    asked.push(query.labelSelector);
    return {};
  };
  const cluster = { client: { json }, target, namespace: 'team' } as unknown as Cluster;
  const unready = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ metadata: { name: `f${index}` }, spec: { replicas: 1, template } }));
  await listCauses(cluster, unready(2));
  await listCauses(cluster, unready(51));
  const all = 'app.kubernetes.io/managed-by=firstlight,!serving.knative.dev/service';
  const some = `${all},app.kubernetes.io/name in (f0,f1)`;
  expect(asked).toEqual([some, some, all, all]);
});

it('tells of a Secret of a function that is not there, unless the function may be one that cannot be seen', () => {
  const secretOf = (name: string, workload?: string) => ({
    metadata: {
      name: `${name}-secrets`,
      labels: { 'app.kubernetes.io/name': name },
      annotations: workload === undefined ? {} : { 'firstlight.dev/workload': workload },
    },
  });
  const secrets = [
    secretOf('a', 'deployment'),
    secretOf('b', 'knative'),
    secretOf('c'),
    secretOf('runs', 'deployment'),
  ];
  const other = { metadata: { name: 'other', labels: { 'app.kubernetes.io/name': 'other' } } };
  const found = (seesKnative: boolean) =>
    describeLeftovers({ target, namespace: 'team' }, [...secrets, other], new Set(['runs']), seesKnative).map(
      ({ name, workload, state }) => `${name} ${workload} ${state}`,
    );
  expect(found(true)).toEqual(['a deployment progressing', 'b knative progressing', 'c deployment progressing']);
  expect(found(false)).toEqual(['a deployment progressing']);
});
