/** The verdict on a rollout on KubeVirt, from the cluster's objects. Pure. */
import { troubleOfPod, type Verdict } from '../judge-rollout.ts';
import type { EventObject, PodObject } from '../kube/objects.ts';
import { revisionLabel, revisionOfSet, type VmInstance, type VmReplicaSet } from './objects.ts';

export interface KubevirtPicture {
  readonly set: VmReplicaSet | null;
  readonly machines: readonly VmInstance[];
  readonly pods: readonly PodObject[];
  readonly events: readonly EventObject[];
}

/** The pods of one revision: KubeVirt gives them the labels of their machines. */
export const podsOfSet = (set: VmReplicaSet | null, pods: readonly PodObject[]): readonly PodObject[] =>
  set === null ? [] : pods.filter(({ metadata }) => metadata.labels?.[revisionLabel] === String(revisionOfSet(set)));

/**
 * Judges the rollout of one revision's set. It has no `observedGeneration`, but what it counts is its own: a set is made
 * for each revision, and never changed but in its number of machines.
 */
export function judgeKubevirt({ set, machines, pods, events }: KubevirtPicture): Verdict {
  if (set === null) return { state: 'failed', message: 'The set of its machines is gone.', trouble: [] };
  const { spec, status = {} } = set;
  const wanted = spec.replicas ?? 1;
  const { readyReplicas = 0, replicas = 0 } = status;
  const own = podsOfSet(set, pods);
  const trouble = [
    ...troubleOfSet(set),
    ...machines.flatMap(troubleOfMachine),
    ...own.flatMap((pod) => troubleOfPod(pod, events)),
  ];
  if (set.status === undefined)
    return { state: 'progressing', message: 'The cluster has not looked at it yet', trouble };
  if (readyReplicas < wanted || replicas !== wanted) {
    return { state: 'progressing', message: `${readyReplicas} of ${wanted} machines are ready`, trouble };
  }
  return { state: 'done', message: `${wanted} of ${wanted} machines are ready`, trouble: [] };
}

const troubleOfSet = ({ status }: VmReplicaSet): string[] =>
  (status?.conditions ?? [])
    .filter((condition) => condition.type === 'ReplicaFailure' && condition.status === 'True')
    .map(({ message, reason }) => message ?? reason ?? 'No machine can be made.');

/** Conditions that are false while a machine merely starts are not trouble; the launcher's own words are. */
function troubleOfMachine({ metadata: { name }, status }: VmInstance): string[] {
  if (status?.phase === 'Failed') return [`${name} failed: ${status.reason ?? 'its virtual machine ended'}`];
  return (status?.conditions ?? [])
    .filter((condition) => /^(Synchronized|PodScheduled)$/.test(condition.type) && condition.status === 'False')
    .map(({ message, reason }) => `${name}: ${message ?? reason}`);
}
