import type { Deployment } from '#shared/model/deploy.ts';
import { type Cluster, getDeployment, listDeployments, listPods, listReplicaSets } from './cluster.ts';
import { isSettled, judgeRollout, revisionOf } from './judge-rollout.ts';
import type { DeploymentObject, PodObject, ReplicaSetObject } from './kube/objects.ts';
import { annotationNames } from './workload.ts';

/** The functions of a target, by name. Errors: CLUSTER_*. */
export async function listFunctions(cluster: Cluster, signal?: AbortSignal): Promise<readonly Deployment[]> {
  return describeAll(cluster, await listDeployments(cluster, signal));
}

/** The state of functions, by name, as far as their Deployments show. */
export const describeAll = (cluster: Cluster, found: readonly DeploymentObject[]): readonly Deployment[] =>
  found.map((deployment) => describe(cluster, deployment, [], [])).sort((a, b) => a.name.localeCompare(b.name));

/** One function, with why it is not ready. Errors: NOT_FOUND; CLUSTER_*. */
export async function getFunction(cluster: Cluster, name: string, signal?: AbortSignal): Promise<Deployment> {
  const [deployment, sets, pods] = await Promise.all([
    getDeployment(cluster, name, signal),
    listReplicaSets(cluster, name, signal),
    listPods(cluster, name, signal),
  ]);
  return describe(cluster, deployment, sets, pods);
}

/** The state of a function. Without pods it comes from the Deployment alone. */
export function describe(
  { target, namespace }: Pick<Cluster, 'target' | 'namespace'>,
  deployment: DeploymentObject,
  replicaSets: readonly ReplicaSetObject[],
  pods: readonly PodObject[],
): Deployment {
  const { metadata, spec, status = {} } = deployment;
  const { metadata: podMetadata = {}, spec: podSpec } = spec.template;
  const wanted = spec.replicas ?? 1;
  const ready = status.readyReplicas ?? 0;
  const verdict = judgeRollout({ deployment, replicaSets, pods, events: [] }, metadata.generation ?? 0);
  const state = spec.paused
    ? 'paused'
    : wanted === 0
      ? 'stopped'
      : isSettled(deployment)
        ? 'ready'
        : verdict.state === 'failed' || verdict.trouble.length > 0
          ? 'failing'
          : 'progressing';
  return {
    target: target.name,
    namespace,
    name: metadata.name,
    state,
    message: state === 'ready' || state === 'stopped' ? '' : (verdict.trouble[0] ?? verdict.message),
    replicas: { wanted, ready, updated: status.updatedReplicas ?? 0 },
    revision: revisionOf(deployment),
    image: podSpec.containers[0]?.image ?? '',
    runtime: podMetadata.annotations?.[annotationNames.runtime] ?? '',
    deployedAt: podMetadata.annotations?.[annotationNames.deployedAt] ?? metadata.creationTimestamp ?? '',
    endpoint: metadata.annotations?.[annotationNames.endpoint] ?? `http://${metadata.name}.${namespace}`,
  };
}
