import { setImmediate } from 'node:timers/promises';
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

/** A cluster of functions with three pods each, the first ones not ready, and what is asked of it. */
function crowd({ all, unready }: { readonly all: number; readonly unready: number }) {
  const asked: { readonly selector: string; readonly items: number }[] = [];
  let underWay = 0;
  let mostUnderWay = 0;
  const names = Array.from({ length: all }, (_, index) => `f${index}`);
  const labelsOf = (name: string) => ({ labels: { 'app.kubernetes.io/name': name } });
  const json = async (path: string, { query }: { readonly query: { readonly labelSelector: string } }) => {
    underWay += 1;
    mostUnderWay = Math.max(mostUnderWay, underWay);
    await setImmediate();
    underWay -= 1;
    const wanted = /name in \((.*)\)/.exec(query.labelSelector)?.[1]?.split(',') ?? names;
    const copies = path.endsWith('/pods') ? 3 : 1;
    const items = wanted.flatMap((name) => Array.from({ length: copies }, () => ({ metadata: labelsOf(name) })));
    asked.push({ selector: query.labelSelector, items: items.length });
    return { items };
  };
  const cluster = { client: { json }, target, namespace: 'team' } as unknown as Cluster;
  const deployments = names.map((name, index) => ({
    metadata: { name },
    spec: { replicas: 1, template },
    ...(index >= unready && { status: whole }),
  })) as DeploymentObject[];
  return { cluster, deployments, asked, mostUnderWay: () => mostUnderWay };
}

it('reads the pods of functions that are not ready only, at once, whatever their number', async () => {
  const few = crowd({ all: 10, unready: 2 });
  await listCauses(few.cluster, few.deployments);
  const managed = 'app.kubernetes.io/managed-by=firstlight,!serving.knative.dev/service';
  const some = `${managed},app.kubernetes.io/name in (f0,f1)`;
  expect(few.asked.map(({ selector }) => selector)).toEqual([some, some]);

  const many = crowd({ all: 1000, unready: 120 });
  const causes = await listCauses(many.cluster, many.deployments);
  expect([causes.size, causes.get('f119')?.pods.length]).toEqual([120, 3]);
  expect(many.asked.reduce((sum, { items }) => sum + items, 0)).toBe(120 * 4);
  // By 50 names each, since a path has its limits.
  expect([many.asked.length, many.mostUnderWay()]).toEqual([6, 6]);
});

it('reads all pods in one list where most functions are not ready', async () => {
  const { cluster, deployments, asked } = crowd({ all: 200, unready: 150 });
  expect((await listCauses(cluster, deployments)).size).toBe(150);
  expect(asked.map(({ selector, items }) => [selector.includes(' in '), items])).toEqual([
    [false, 200],
    [false, 600],
  ]);
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
