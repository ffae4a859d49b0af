import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type KnativeService, knativeRevisions, knativeServices } from './knative/objects.ts';
import { listServiceRevisions, rollBackKnative } from './knative/revisions.ts';
import type { DeploymentObject } from './kube/objects.ts';
import { annotationNames, labelsOf } from './names.ts';
import { listRevisions, rollBack } from './revisions.ts';
import { type ObjectServer, openObjectServer } from './testing/object-server.ts';

let server: ObjectServer;
beforeEach(async () => {
  server = await openObjectServer();
});
afterEach(() => server.close());

const image = 'r/greet@sha256:1';
interface Pod {
  readonly stage: string;
  readonly args?: readonly string[];
  readonly secret?: string;
}
const specOf = ({ stage, args, secret }: Pod) => ({
  containers: [
    {
      ...{ name: 'function', image, ...(args && { args }) },
      env: [
        { name: 'STAGE', value: stage },
        ...(secret ? [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: secret, key: 'token' } } }] : []),
      ],
    },
  ],
});
const deployedAt = (number: number) => ({ [annotationNames.deployedAt]: `2026-01-0${number}T00:00:00Z` });
const other = [
  ['a variable', { stage: 'one' }],
  ['arguments', { stage: 'two', args: ['--loud'] }],
  ['a secret', { stage: 'two', secret: 'app' }],
] as const satisfies [string, Pod][];
const now: Pod = { stage: 'two' };

describe('a rollback of a Deployment', () => {
  /** Puts the Deployment there, with a ReplicaSet for each revision. The last one runs. */
  function put(...pods: readonly Pod[]): DeploymentObject {
    const revision = (number: number) => ({ 'deployment.kubernetes.io/revision': String(number) });
    const template = (pod: Pod, number: number, hash = {}) => ({
      metadata: { labels: { ...labelsOf('greet'), ...hash }, annotations: deployedAt(number) },
      spec: specOf(pod),
    });
    server.put('deployments', {
      metadata: { name: 'greet', uid: 'd', labels: labelsOf('greet'), annotations: revision(pods.length) },
      spec: { replicas: 1, template: template(pods.at(-1) ?? now, pods.length) },
    });
    for (const [index, pod] of pods.entries()) {
      const number = index + 1;
      server.put('replicasets', {
        metadata: {
          ...{ name: `greet-${number}`, labels: labelsOf('greet'), annotations: revision(number) },
          ownerReferences: [{ uid: 'd' }],
        },
        spec: { template: template(pod, number, { 'pod-template-hash': String(number) }) },
      });
    }
    return server.get<DeploymentObject>('deployments', 'greet') as DeploymentObject;
  }

  it.each(other)('undoes a change of %s alone', async (_, before) => {
    const deployment = put(before, now);
    await rollBack(server.cluster, deployment, undefined);
    expect(server.get<DeploymentObject>('deployments', 'greet')?.spec.template.spec).toEqual(specOf(before));
    await rollBack(server.cluster, put(before, now), 1);
    expect(server.get<DeploymentObject>('deployments', 'greet')?.spec.template.spec).toEqual(specOf(before));
  });

  it('passes a revision by that has the same pods, and refuses it by number', async () => {
    const deployment = put({ stage: 'one' }, now, now);
    const known = await listRevisions(server.cluster, deployment);
    expect(known.map(({ revision, isSame }) => [revision, isSame])).toEqual([
      [3, true],
      [2, true],
      [1, false],
    ]);
    await expect(rollBack(server.cluster, deployment, 2)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'Revision 2 of greet is what runs.',
    });
    await rollBack(server.cluster, deployment, undefined);
    expect(server.get<DeploymentObject>('deployments', 'greet')?.spec.template.spec).toEqual(specOf({ stage: 'one' }));
    await expect(rollBack(server.cluster, put(now, now), undefined)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a rollback of a Knative Service', () => {
  function put(...pods: readonly (Pod & { readonly most?: number })[]): KnativeService {
    const metadataOf = (number: number, most: number) => ({
      annotations: { ...deployedAt(number), 'autoscaling.knative.dev/max-scale': String(most) },
    });
    server.put(knativeServices, {
      metadata: { name: 'greet', labels: labelsOf('greet') },
      spec: { template: { spec: specOf(pods.at(-1) ?? now) } },
      status: { latestCreatedRevisionName: `greet-0000${pods.length}` },
    });
    for (const [index, { most = 2, ...pod }] of pods.entries()) {
      const number = index + 1;
      server.put(knativeRevisions, {
        metadata: {
          ...{ name: `greet-0000${number}`, ...metadataOf(number, most) },
          labels: {
            'serving.knative.dev/service': 'greet',
            'serving.knative.dev/configurationGeneration': String(number),
          },
        },
        spec: specOf(pod),
      });
    }
    return server.get<KnativeService>(knativeServices, 'greet') as KnativeService;
  }
  const template = () => server.get<KnativeService>(knativeServices, 'greet')?.spec.template;

  it.each(other)('undoes a change of %s alone', async (_, before) => {
    await rollBackKnative(server.cluster, put(before, now), undefined);
    expect(template()?.spec).toEqual(specOf(before));
    await rollBackKnative(server.cluster, put(before, now), 1);
    expect(template()?.spec).toEqual(specOf(before));
  });

  it('undoes a change of its bounds', async () => {
    await rollBackKnative(server.cluster, put({ ...now, most: 1 }, { ...now, most: 5 }), undefined);
    expect(template()?.metadata?.annotations).toMatchObject({ 'autoscaling.knative.dev/max-scale': '1' });
  });

  it('passes a revision by that has the same pods, and refuses it by number', async () => {
    const service = put({ stage: 'one' }, now, now);
    const known = await listServiceRevisions(server.cluster, service);
    expect(known.map(({ isCurrent, isSame }) => [isCurrent, isSame])).toEqual([
      [true, true],
      [false, true],
      [false, false],
    ]);
    await expect(rollBackKnative(server.cluster, service, 2)).rejects.toMatchObject({ code: 'CONFLICT' });
    await rollBackKnative(server.cluster, service, undefined);
    expect(template()?.spec).toEqual(specOf({ stage: 'one' }));
  });
});
