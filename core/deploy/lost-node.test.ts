import { describe, expect, it } from 'vitest';
import { judgeRollout, troubleOfPod } from './judge-rollout.ts';
import type { PodObject } from './kube/objects.ts';
import { describeLostNode } from './lost-node.ts';
import { lostPod } from './testing/pod-logs.ts';

const words = 'its node n1 does not answer; start it again, or remove it from the cluster (kubectl describe node n1)';

describe('a node that does not answer', () => {
  it('is named where the cluster alone made the pod unready', () => {
    expect(describeLostNode(lostPod('greet-1'))).toBe(words);
    expect(troubleOfPod(lostPod('greet-1'), [])).toEqual([`greet-1: ${words}`]);
  });

  it('is named while the pod waits to be removed from it', () => {
    const pod = lostPod('greet-1');
    const ending: PodObject = {
      ...pod,
      metadata: { ...pod.metadata, deletionTimestamp: '2026-01-02T03:09:05Z' },
      status: {
        ...pod.status,
        conditions: [
          ...(pod.status?.conditions ?? []),
          { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager' },
        ],
      },
    };
    expect(describeLostNode(ending)).toBe(words);
    expect(describeLostNode({ ...pod, status: { phase: 'Running', reason: 'NodeLost' } })).toBe(words);
    expect(describeLostNode({ ...pod, status: { phase: 'Unknown' } })).toBe(words);
  });

  it('is not blamed for a container, or a readiness gate, that is not ready', () => {
    const pod = lostPod('greet-1');
    const withReady = (reason: string, containersReady: string) =>
      describeLostNode({
        ...pod,
        status: {
          phase: 'Running',
          conditions: [
            { type: 'Ready', status: 'False', reason },
            { type: 'ContainersReady', status: containersReady, reason },
          ],
        },
      });
    expect(withReady('ContainersNotReady', 'False')).toBeNull();
    expect(withReady('ReadinessGatesNotReady', 'True')).toBeNull();
  });

  it('is the trouble of a rollout', () => {
    const template = { spec: { containers: [{ name: 'function', image: 'r/app@sha256:1' }] } };
    const annotations = { 'deployment.kubernetes.io/revision': '1' };
    const pod = lostPod('greet-1');
    const verdict = judgeRollout(
      {
        deployment: {
          metadata: { name: 'greet', uid: 'd', annotations },
          spec: { replicas: 1, template },
          status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 0 },
        },
        replicaSets: [
          { metadata: { name: 'rs', uid: 'rs', annotations, ownerReferences: [{ uid: 'd' }] }, spec: { template } },
        ],
        pods: [{ ...pod, metadata: { ...pod.metadata, ownerReferences: [{ uid: 'rs' }] } }],
        events: [],
      },
      1,
    );
    expect(verdict).toMatchObject({ state: 'progressing', trouble: [`greet-1: ${words}`] });
  });
});
