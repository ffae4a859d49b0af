import type { Cluster } from '../cluster.ts';
import type { Verdict } from '../judge-rollout.ts';
import type { PodObject } from '../kube/objects.ts';
import { selectorOf } from '../names.ts';
import { type RolloutSource, watchRollout } from '../watch-rollout.ts';
import { judgeKubevirt, type KubevirtPicture } from './judge-kubevirt.ts';
import { revisionLabel, setNameOf, type VmInstance, type VmReplicaSet, vmInstances, vmReplicaSets } from './objects.ts';

/** Watches the set of a revision until its machines are ready, or have failed. Errors: as `watchRollout`. */
export const watchSet = (
  cluster: Cluster,
  name: string,
  revision: number,
  {
    check,
    ...options
  }: {
    readonly graceMs: number;
    readonly signal: AbortSignal;
    readonly onVerdict: (verdict: Verdict) => void;
    /** Errors: CONFLICT for a set that is not of this change. */
    readonly check?: (set: VmReplicaSet) => void;
  },
) =>
  watchRollout<KubevirtPicture>(cluster, {
    ...options,
    initial: { set: null, machines: [], pods: [], events: [] },
    sources: sourcesOf(name, revision),
    judge: (picture) => {
      if (picture.set !== null) check?.(picture.set);
      return judgeKubevirt(picture);
    },
  });

const sourcesOf = (name: string, revision: number): RolloutSource<KubevirtPicture>[] => [
  {
    kind: vmReplicaSets,
    fieldSelector: `metadata.name=${setNameOf(name, revision)}`,
    put: (picture, [set = null]) => ({ ...picture, set: set as VmReplicaSet | null }),
  },
  {
    kind: vmInstances,
    labelSelector: `${selectorOf(name)},${revisionLabel}=${revision}`,
    put: (picture, found) => ({ ...picture, machines: found as readonly VmInstance[] }),
  },
  {
    kind: 'pods',
    labelSelector: selectorOf(name),
    put: (picture, found) => ({ ...picture, pods: found as readonly PodObject[] }),
  },
];
