import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { judgeRollout, type RolloutPicture, type Verdict } from './judge-rollout.ts';
import type { DeploymentObject, PodObject, ReplicaSetObject } from './kube/objects.ts';
import { labelsOf } from './names.ts';
import { type ObjectServer, openObjectServer } from './testing/object-server.ts';
import { watchRollout } from './watch-rollout.ts';

let server: ObjectServer;
beforeEach(async () => {
  server = await openObjectServer();
});
afterEach(() => server.close());

const labels = labelsOf('greet');
const template = { spec: { containers: [{ name: 'function', image: 'r/greet@sha256:1' }] } };
const annotations = { 'deployment.kubernetes.io/revision': '1' };

/** A pod of a rollout, whose container is being created on its node. */
function putPod(): void {
  const metadata = { name: 'greet', labels, annotations };
  const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 0 };
  server.put('deployments', { metadata: { ...metadata, uid: 'd' }, spec: { replicas: 1, template }, status });
  const owned = (uid: string, owner: string) => ({ ...metadata, uid, ownerReferences: [{ uid: owner }] });
  server.put('replicasets', { metadata: owned('rs', 'd'), spec: { template } });
  server.put('pods', {
    metadata: owned('p', 'rs'),
    status: {
      containerStatuses: [
        { name: 'function', ready: false, restartCount: 0, state: { waiting: { reason: 'ContainerCreating' } } },
      ],
    },
  });
}
const at = (second: number) => ({ lastTimestamp: `2026-01-01T00:00:0${second}Z` });
const putEvent = (type: string, reason: string, second: number) =>
  server.put('events', {
    metadata: { name: `${reason}-${second}` },
    ...{ type, reason, message: `${reason} it said`, ...at(second) },
    involvedObject: { kind: 'Pod', uid: 'p' },
  });

/** Watches with a grace of a moment. Shape: the verdicts. */
async function watch(until: (verdict: Verdict) => void, graceMs: number, signal: AbortSignal) {
  return await watchRollout<RolloutPicture>(server.cluster, {
    initial: { deployment: null, replicaSets: [], pods: [], events: [] },
    sources: [
      { kind: 'deployments', put: (picture, [one]) => ({ ...picture, deployment: one as DeploymentObject }) },
      { kind: 'replicasets', put: (picture, found) => ({ ...picture, replicaSets: found as ReplicaSetObject[] }) },
      { kind: 'pods', put: (picture, found) => ({ ...picture, pods: found as PodObject[] }) },
    ],
    judge: (picture) => judgeRollout(picture, 1),
    ...{ graceMs, signal, onVerdict: until },
  });
}

describe('a node that could not begin a pod', () => {
  const trouble = ['greet: FailedCreatePodSandBox it said'];

  it('is trouble no longer once it pulls the image', async () => {
    putPod();
    putEvent('Warning', 'FailedCreatePodSandBox', 1);
    const ends = new AbortController();
    let wasTrouble = false;
    const watching = watch(
      (verdict) => {
        if (verdict.trouble.length === 0) return wasTrouble ? ends.abort() : undefined;
        expect(verdict.trouble).toEqual(trouble);
        wasTrouble = true;
        putEvent('Normal', 'Pulling', 2);
      },
      5000,
      ends.signal,
    );
    // Not a verdict: it is cancelled once the trouble is over.
    await expect(watching).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('is trouble again where a later attempt fails', async () => {
    putPod();
    putEvent('Normal', 'Pulling', 1);
    putEvent('Warning', 'FailedCreatePodSandBox', 2);
    const { verdict } = await watch(() => undefined, 0, new AbortController().signal);
    expect(verdict).toMatchObject({ state: 'failed', trouble });
  });
});
