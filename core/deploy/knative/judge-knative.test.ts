import { describe, expect, it } from 'vitest';
import type { KubernetesTarget } from '#shared/model/deploy.ts';
import { chooseRevision } from './call-revision.ts';
import { describeService } from './describe-service.ts';
import { judgeKnative, type KnativePicture } from './judge-knative.ts';
import { refuseUnfit } from './knative-workload.ts';
import type { KnativeRevision, KnativeService } from './objects.ts';

const template = { spec: { containers: [{ name: 'function', image: 'i@sha256:1' }] } };
const condition = (type: string, status: string, message?: string) => ({ type, status, ...(message && { message }) });
const serviceOf = (status: KnativeService['status'] = {}): KnativeService => ({
  metadata: { name: 'greet', generation: 2 },
  spec: { template },
  status: {
    observedGeneration: 2,
    latestCreatedRevisionName: 'greet-00002',
    latestReadyRevisionName: 'greet-00002',
    conditions: [condition('Ready', 'True')],
    traffic: [{ revisionName: 'greet-00002', latestRevision: true, percent: 100 }],
    ...status,
  },
});
const revisionOf = (number: number, ready: string, more: KnativeRevision['status'] = {}): KnativeRevision => ({
  metadata: {
    name: `greet-0000${number}`,
    labels: {
      'serving.knative.dev/service': 'greet',
      'serving.knative.dev/configurationGeneration': String(number),
    },
  },
  spec: template.spec,
  status: { conditions: [condition('Ready', ready, 'the words of the cluster')], ...more },
});
const picture = (
  service: KnativeService,
  revisions = [revisionOf(1, 'True'), revisionOf(2, 'True')],
): KnativePicture => ({
  service,
  revisions,
  pods: [],
  events: [],
});

describe('a rollout of a Knative Service', () => {
  it('is done once the service is ready with the newest revision', () => {
    expect(judgeKnative(picture(serviceOf()), 2)).toEqual({
      state: 'done',
      message: 'greet-00002 is ready',
      trouble: [],
    });
  });

  it('does not count what the cluster saw before our apply', () => {
    expect(judgeKnative(picture(serviceOf({ observedGeneration: 1 })), 2).state).toBe('progressing');
  });

  it('is not done by the earlier revision, which serves on', () => {
    const fallen = serviceOf({ latestReadyRevisionName: 'greet-00001' });
    expect(judgeKnative(picture(fallen, [revisionOf(1, 'True'), revisionOf(2, 'Unknown')]), 2).state).toBe(
      'progressing',
    );
    const failing = judgeKnative(picture(fallen, [revisionOf(1, 'True'), revisionOf(2, 'False')]), 2);
    expect(failing).toMatchObject({ state: 'progressing', trouble: ['the words of the cluster'] });
  });

  it('says that a split of the traffic passes it by', () => {
    const split = serviceOf({ traffic: [{ revisionName: 'greet-00001', percent: 100 }] });
    expect(judgeKnative(picture(split), 2).message).toContain('goes to other revisions');
  });

  it('waits for its route, and says why there is none', () => {
    const conditions = [condition('Ready', 'False'), condition('RoutesReady', 'False', 'no ingress')];
    expect(judgeKnative(picture(serviceOf({ conditions })), 2)).toMatchObject({
      state: 'progressing',
      trouble: ['no ingress'],
    });
  });
});

describe('the state of a Knative Service', () => {
  const cluster = { target: { name: 'test' } as KubernetesTarget, namespace: 'team' };
  it('is ready at zero', () => {
    const found = describeService(cluster, serviceOf(), [revisionOf(2, 'True', { actualReplicas: 0 })], []);
    expect(found).toMatchObject({
      state: 'ready',
      replicas: { wanted: 0, ready: 0 },
      revision: 2,
      workload: 'knative',
    });
    expect(found.traffic).toEqual([{ revision: 2, percent: 100, isLatest: true }]);
  });

  it('counts the pods of all revisions', () => {
    const revisions = [
      revisionOf(1, 'True', { actualReplicas: 1, desiredReplicas: 1 }),
      revisionOf(2, 'True', { actualReplicas: 1, desiredReplicas: 3 }),
    ];
    expect(describeService(cluster, serviceOf(), revisions, []).replicas).toMatchObject({ wanted: 4, ready: 2 });
  });
});

it('draws the revision of a request by the shares of traffic', () => {
  const traffic = [
    { revisionName: 'a', percent: 30 },
    { revisionName: 'b', percent: 0 },
    { revisionName: 'c', percent: 70 },
  ];
  const service = serviceOf({ traffic });
  expect([0, 0.29, 0.3, 0.999].map((at) => chooseRevision(service, at))).toEqual(['a', 'a', 'c', 'c']);
  expect(chooseRevision(serviceOf({ traffic: [] }), 0.5)).toBe('greet-00002');
});

it('refuses settings that a workload cannot have', () => {
  const refused = (message: RegExp) =>
    expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringMatching(message) });
  expect(() => refuseUnfit('knative', { replicas: 2 })).toThrow(refused(/chooses the number/));
  expect(() => refuseUnfit('knative', { route: { host: 'a.example', path: '/' } })).toThrow(refused(/own address/));
  expect(() => refuseUnfit('deployment', { autoscale: { min: 0, max: 2, cpuPercent: 80 } })).toThrow(
    refused(/to zero/),
  );
  refuseUnfit('knative', { autoscale: { min: 0, max: 2, cpuPercent: 80 } });
});
