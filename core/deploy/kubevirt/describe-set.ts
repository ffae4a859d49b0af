import type { Deployment } from '#shared/model/deploy.ts';
import type { Cluster } from '../cluster.ts';
import type { PodObject } from '../kube/objects.ts';
import { annotationNames } from '../names.ts';
import { describeUnfinished } from '../unfinished.ts';
import { judgeKubevirt } from './judge-kubevirt.ts';
import { functionOf, imageOf, revisionOfSet, type VmInstance, type VmReplicaSet } from './objects.ts';

/** The state of a function that runs on KubeVirt: that of its newest revision. */
export function describeSet(
  { target, namespace }: Pick<Cluster, 'target' | 'namespace'>,
  set: VmReplicaSet,
  machines: readonly VmInstance[],
  pods: readonly PodObject[],
): Deployment {
  const { metadata, spec, status = {} } = set;
  const wanted = spec.replicas ?? 1;
  const ready = status.readyReplicas ?? 0;
  const { state: verdict, message, trouble } = judgeKubevirt({ set, machines, pods, events: [] });
  const unfinished = describeUnfinished(set);
  const isReady = verdict === 'done' && unfinished === null;
  const state = wanted === 0 ? 'stopped' : isReady ? 'ready' : trouble.length > 0 ? 'failing' : 'progressing';
  const annotations = metadata.annotations ?? {};
  const name = functionOf(set);
  return {
    target: target.name,
    namespace,
    name,
    workload: 'kubevirt',
    state,
    message: state === 'ready' || state === 'stopped' ? (unfinished ?? '') : (trouble[0] ?? unfinished ?? message),
    replicas: { wanted, ready, updated: status.replicas ?? 0 },
    traffic: [],
    revision: revisionOfSet(set),
    image: imageOf(set),
    runtime: annotations[annotationNames.runtime] ?? '',
    deployedAt: annotations[annotationNames.deployedAt] ?? metadata.creationTimestamp ?? '',
    endpoint: annotations[annotationNames.endpoint] ?? `http://${name}.${namespace}`,
  };
}

/** The functions whose sets these are, each as its newest revision. */
export function describeSets(
  cluster: Pick<Cluster, 'target' | 'namespace'>,
  sets: readonly VmReplicaSet[],
): readonly Deployment[] {
  const byName = new Map<string, VmReplicaSet>();
  for (const set of sets) {
    const newest = byName.get(functionOf(set));
    if (newest === undefined || revisionOfSet(newest) < revisionOfSet(set)) byName.set(functionOf(set), set);
  }
  return [...byName.values()].map((set) => describeSet(cluster, set, [], []));
}
