import { describe, expect, it } from 'vitest';
import { isSettled, judgeRollout, type RolloutPicture } from './judge-rollout.ts';
import type { DeploymentObject, PodObject, ReplicaSetObject } from './kube/objects.ts';

const template = { spec: { containers: [{ name: 'function', image: 'r/app@sha256:1' }] } };
const revision = (number: number) => ({ 'deployment.kubernetes.io/revision': String(number) });

function deployment(status: DeploymentObject['status'], replicas = 1): DeploymentObject {
  return {
    metadata: { name: 'app', uid: 'd', generation: 2, annotations: revision(2) },
    spec: { replicas, template },
    status: { observedGeneration: 2, ...status },
  };
}
const set = (
  number: number,
  conditions: NonNullable<ReplicaSetObject['status']>['conditions'] = [],
): ReplicaSetObject => ({
  metadata: {
    name: `app-${number}`,
    uid: `rs${number}`,
    annotations: revision(number),
    ownerReferences: [{ uid: 'd' }],
  },
  spec: { template },
  status: { conditions },
});
const pod = (owner: number, status: NonNullable<PodObject['status']>): PodObject => ({
  metadata: { name: `app-${owner}-x`, uid: `p${owner}`, ownerReferences: [{ uid: `rs${owner}` }] },
  status,
});
const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
const whole = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };

const picture = (more: Partial<RolloutPicture>): RolloutPicture => ({
  deployment: deployment(whole),
  replicaSets: [set(1), set(2)],
  pods: [pod(2, ready)],
  events: [],
  ...more,
});

describe('a rollout', () => {
  it('is done when the new pods are ready and the old ones gone', () => {
    expect(judgeRollout(picture({}), 2).state).toBe('done');
  });

  it('is not done before the cluster has seen what was applied', () => {
    expect(judgeRollout(picture({}), 3)).toMatchObject({ state: 'progressing', message: /not looked at it/ });
  });

  it('does not count pods of the old ReplicaSet', () => {
    expect(judgeRollout(picture({ pods: [pod(1, ready)] }), 2).state).toBe('progressing');
  });

  it('never takes an empty list of pods for health', () => {
    expect(judgeRollout(picture({ pods: [] }), 2).state).toBe('progressing');
  });

  it('waits for old pods to end', () => {
    expect(judgeRollout(picture({ deployment: deployment({ ...whole, replicas: 2 }) }), 2).message).toMatch(
      /old replicas/,
    );
  });

  it('is not failed by a deadline that an earlier generation missed', () => {
    const conditions = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }];
    const late = deployment({ ...whole, observedGeneration: 1, conditions });
    expect(judgeRollout(picture({ deployment: late }), 2).state).toBe('progressing');
    const now = deployment({ ...whole, conditions });
    expect(judgeRollout(picture({ deployment: now }), 2).state).toBe('failed');
  });

  it('is not failed by a missed deadline that was there when it was applied', () => {
    const missed = {
      type: 'Progressing',
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: 'ReplicaSet "app-2" has timed out progressing.',
      lastUpdateTime: '2026-11-27T06:00:00Z',
      lastTransitionTime: '2026-11-27T06:00:00Z',
    };
    const failing = (lastUpdateTime: string) =>
      picture({
        deployment: deployment({ ...whole, availableReplicas: 0, conditions: [{ ...missed, lastUpdateTime }] }),
      });
    expect(judgeRollout(failing(missed.lastUpdateTime), 2, missed).state).toBe('progressing');
    expect(judgeRollout(failing('2026-11-27T06:02:00Z'), 2, missed).state).toBe('failed');
    expect(judgeRollout(failing(missed.lastUpdateTime), 2).state).toBe('failed');
    const good = picture({ deployment: deployment({ ...whole, conditions: [missed] }) });
    expect(judgeRollout(good, 2, missed).state).toBe('done');
  });

  it('is over when its Deployment is gone', () => {
    expect(judgeRollout(picture({ deployment: null }), 2).state).toBe('failed');
  });
});

describe('the trouble of a rollout', () => {
  const troubleOf = (more: Partial<RolloutPicture>) =>
    judgeRollout(picture({ deployment: deployment({ ...whole, availableReplicas: 0 }), ...more }), 2).trouble;

  it('is a node that cannot begin a pod, until it has begun it', () => {
    const state = { waiting: { reason: 'ContainerCreating' } };
    const pods = [pod(2, { containerStatuses: [{ name: 'function', ready: false, restartCount: 0, state }] })];
    const event = (reason: string, message: string, type = 'Warning') => ({
      ...{ metadata: { name: reason }, type, reason, message },
      involvedObject: { uid: 'p2' },
    });
    const failed = event('FailedCreatePodSandBox', 'no runtime for "unknown" is configured');
    expect(troubleOf({ pods, events: [failed] })).toEqual([expect.stringMatching(/: no runtime for "unknown"/)]);
    expect(troubleOf({ pods, events: [failed, event('Pulling', 'Pulling image', 'Normal')] })).toEqual([]);
    expect(troubleOf({ pods, events: [] })).toEqual([]);
  });

  it('is a pull error in the words of the kubelet', () => {
    const pods = [
      pod(2, {
        containerStatuses: [
          {
            name: 'function',
            ready: false,
            restartCount: 0,
            state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off' } },
          },
        ],
      }),
    ];
    const events = [
      {
        metadata: { name: 'e' },
        type: 'Warning',
        reason: 'Failed',
        message: 'Failed to pull image "r/app": unauthorized',
        involvedObject: { uid: 'p2' },
      },
      {
        metadata: { name: 'f' },
        type: 'Warning',
        reason: 'Failed',
        message: 'Failed to pull other',
        involvedObject: { uid: 'p9' },
      },
    ];
    expect(troubleOf({ pods, events })).toEqual([
      'app-2-x: ImagePullBackOff: Failed to pull image "r/app": unauthorized',
    ]);
  });

  it('is a node that cannot be found, a pod that ends, and quota', () => {
    const unschedulable = pod(2, {
      conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available: Insufficient memory' }],
    });
    expect(troubleOf({ pods: [unschedulable] })[0]).toMatch(/Insufficient memory/);
    const crashed = pod(2, {
      containerStatuses: [
        {
          name: 'function',
          ready: false,
          restartCount: 2,
          state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 20s' } },
          lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } },
        },
      ],
    });
    expect(troubleOf({ pods: [crashed] }).join('\n')).toMatch(/CrashLoopBackOff[\s\S]*OOMKilled \(exit code 137\)/);
    const full = [set(2, [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota: small' }])];
    expect(troubleOf({ pods: [], replicaSets: full })).toEqual(['exceeded quota: small']);
  });
});

describe('a Deployment', () => {
  it('is settled when all it is to run is there and the cluster has seen the last change', () => {
    expect(isSettled(deployment(whole))).toBe(true);
    expect(isSettled(deployment({ ...whole, observedGeneration: 1 }))).toBe(false);
    expect(isSettled(deployment({ ...whole, replicas: 2 }))).toBe(false);
    expect(isSettled(deployment({ ...whole, availableReplicas: 0 }))).toBe(false);
  });
});
