import { setTimeout as sleep } from 'node:timers/promises';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { type Cluster, pathOf } from './cluster.ts';
import { judgeRollout, type RolloutPicture, type Verdict } from './judge-rollout.ts';
import { follow } from './kube/follow.ts';
import type { DeploymentObject, EventObject, PodObject, ReplicaSetObject } from './kube/objects.ts';
import { selectorOf } from './workload.ts';

export interface RolloutWatch {
  readonly name: string;
  /** The generation that our own apply returned. */
  readonly generation: number;
  /** The time that trouble may last before the rollout counts as failed. Units: ms. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
  readonly onVerdict: (verdict: Verdict) => void;
}

const tickMs = 500;

/**
 * Watches a rollout to its end. Shape: the last verdict, and the picture that it was made from.
 *
 * Errors: CLUSTER_DENIED, CLUSTER_REFUSED; CANCELLED.
 */
export async function watchRollout(
  cluster: Cluster,
  { name, generation, graceMs, signal, onVerdict }: RolloutWatch,
): Promise<{ readonly verdict: Verdict; readonly picture: RolloutPicture }> {
  const ending = new AbortController();
  const both = AbortSignal.any([signal, ending.signal]);
  let picture: RolloutPicture = { deployment: null, replicaSets: [], pods: [], events: [] };
  let hasDeployment = false;
  let failure: FirstlightError | null = null;
  const watches = [
    follow<DeploymentObject>(
      cluster.client,
      pathOf(cluster, 'deployments'),
      { fieldSelector: `metadata.name=${name}`, signal: both },
      ([deployment = null]) => {
        hasDeployment = true;
        picture = { ...picture, deployment };
      },
    ),
    follow<ReplicaSetObject>(
      cluster.client,
      pathOf(cluster, 'replicasets'),
      { labelSelector: selectorOf(name), signal: both },
      (replicaSets) => {
        picture = { ...picture, replicaSets };
      },
    ),
    follow<PodObject>(
      cluster.client,
      pathOf(cluster, 'pods'),
      { labelSelector: selectorOf(name), signal: both },
      (pods) => {
        picture = { ...picture, pods };
      },
    ),
  ].map((watch) =>
    watch.catch((thrown) => {
      failure = toFirstlightError(thrown);
    }),
  );
  // Events improve the message; without the right to read them the watch continues.
  const events = follow<EventObject>(
    cluster.client,
    pathOf(cluster, 'events'),
    { fieldSelector: 'involvedObject.kind=Pod,type=Warning', signal: both },
    (found) => {
      picture = { ...picture, events: found };
    },
  ).catch(() => undefined);
  try {
    let troubleSince: number | null = null;
    for (let last = ''; ; await sleep(tickMs / 5, undefined, { signal }).catch(() => undefined)) {
      if (signal.aborted) throw new FirstlightError('CANCELLED', 'Cancelled.');
      if (failure !== null) throw failure;
      if (!hasDeployment) continue;
      const verdict = judgeRollout(picture, generation);
      const words = JSON.stringify(verdict);
      if (words !== last) onVerdict(verdict);
      last = words;
      if (verdict.state !== 'progressing') return { verdict, picture };
      troubleSince = verdict.trouble.length === 0 ? null : (troubleSince ?? Date.now());
      if (troubleSince !== null && Date.now() - troubleSince > graceMs) {
        return { verdict: { ...verdict, state: 'failed', message: verdict.trouble[0] ?? verdict.message }, picture };
      }
    }
  } finally {
    ending.abort();
    await Promise.all([...watches, events]);
  }
}
