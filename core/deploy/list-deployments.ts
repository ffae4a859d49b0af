import type { Deployment } from '#shared/model/deploy.ts';
import { type Cluster, listDeployments, listPods, listPodsOf, listReplicaSets } from './cluster.ts';
import { findFunction } from './find-function.ts';
import { isSettled, judgeRollout, revisionOf } from './judge-rollout.ts';
import { describeService } from './knative/describe-service.ts';
import { listKnativeRevisions, listKnativeServices } from './knative/find-service.ts';
import { type KnativeRevision, type KnativeService, knativeLabels } from './knative/objects.ts';
import type { DeploymentObject, KubeObject, PodObject, ReplicaSetObject } from './kube/objects.ts';
import { describeSet, describeSets } from './kubevirt/describe-set.ts';
import { listMachines, listVmSets } from './kubevirt/find-sets.ts';
import type { VmReplicaSet } from './kubevirt/objects.ts';
import { describeLeftovers, listOwnSecrets } from './leftover-secrets.ts';
import { annotationNames, nameLabel } from './names.ts';
import { describeUnfinished } from './unfinished.ts';

/** The functions of a target, by name. Errors: CLUSTER_*. */
export async function listFunctions(cluster: Cluster, signal?: AbortSignal): Promise<readonly Deployment[]> {
  const [deployments, services, sets, secrets] = await Promise.all([
    listDeployments(cluster, signal),
    listKnativeServices(cluster, signal),
    listVmSets(cluster, undefined, signal),
    listOwnSecrets(cluster, signal),
  ]);
  const [revisions, causes] = await Promise.all([
    services === null || services.length === 0 ? [] : listKnativeRevisions(cluster, undefined, signal),
    listCauses(cluster, deployments, signal),
  ]);
  return describeAll(cluster, { deployments, services, revisions, sets, secrets, causes });
}

/** What shows why Deployments are not ready, by function. */
export type Causes = ReadonlyMap<
  string,
  { readonly replicaSets: readonly ReplicaSetObject[]; readonly pods: readonly PodObject[] }
>;

export const isUnready = (one: DeploymentObject): boolean => !isSettled(one) && one.spec.paused !== true;

/** The objects that show why some of all Deployments are not ready: none where all are, or where they cannot be read. */
export async function listCauses(
  cluster: Cluster,
  deployments: readonly DeploymentObject[],
  signal?: AbortSignal,
): Promise<Causes> {
  const unready = deployments.filter(isUnready);
  if (unready.length === 0) return new Map();
  const names = unready.map(({ metadata: { name } }) => name);
  const all = await listPodsOf(cluster, names, deployments.length, signal).catch(() => null);
  if (all === null) return new Map();
  const replicaSets = byName(all.replicaSets);
  const pods = byName(all.pods);
  return new Map(names.map((name) => [name, { replicaSets: replicaSets.get(name) ?? [], pods: pods.get(name) ?? [] }]));
}

/** Objects by the function that they are of. */
function byName<Value extends KubeObject>(objects: readonly Value[]): ReadonlyMap<string, readonly Value[]> {
  const found = new Map<string, Value[]>();
  for (const object of objects) {
    const name = object.metadata.labels?.[nameLabel] ?? '';
    const known = found.get(name);
    if (known === undefined) found.set(name, [object]);
    else known.push(object);
  }
  return found;
}

/** The objects that run functions, by their kind. */
export interface FunctionObjects {
  readonly deployments: readonly DeploymentObject[];
  /** Null where one may not see them. */
  readonly services: readonly KnativeService[] | null;
  readonly revisions: readonly KnativeRevision[];
  readonly sets: readonly VmReplicaSet[];
  /** The metadata of our Secrets. */
  readonly secrets: readonly KubeObject[];
  readonly causes: Causes;
}

/** The state of functions, by name, as far as their objects show. */
export function describeAll(
  cluster: Pick<Cluster, 'target' | 'namespace'>,
  { deployments, services, revisions, sets, secrets, causes }: FunctionObjects,
): readonly Deployment[] {
  const byService = new Map<string, KnativeRevision[]>();
  for (const revision of revisions) {
    const service = revision.metadata.labels?.[knativeLabels.service] ?? '';
    byService.set(service, [...(byService.get(service) ?? []), revision]);
  }
  const found = [
    ...deployments.map((deployment) => {
      // They may have been read before it was ready.
      const cause = isUnready(deployment) ? causes.get(deployment.metadata.name) : undefined;
      const { replicaSets = [], pods = [] } = cause ?? {};
      return describe(cluster, deployment, replicaSets, pods);
    }),
    ...(services ?? []).map((service) =>
      describeService(cluster, service, byService.get(service.metadata.name) ?? [], []),
    ),
    ...describeSets(cluster, sets),
  ];
  const known = new Set(found.map(({ name }) => name));
  return [...found, ...describeLeftovers(cluster, secrets, known, services !== null)].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

/** One function, with why it is not ready. Errors: NOT_FOUND; CLUSTER_*. */
export async function getFunction(cluster: Cluster, name: string, signal?: AbortSignal): Promise<Deployment> {
  const [found, sets, pods] = await Promise.all([
    findFunction(cluster, name, signal).catch(async (thrown: unknown) => {
      const leftover = (await listFunctions(cluster, signal)).find((one) => one.name === name);
      if (leftover === undefined) throw thrown;
      return leftover;
    }),
    listReplicaSets(cluster, name, signal),
    listPods(cluster, name, signal),
  ]);
  if ('state' in found) return found;
  if (found.workload === 'deployment') return describe(cluster, found.deployment, sets, pods);
  if (found.workload === 'kubevirt')
    return describeSet(cluster, found.set, await listMachines(cluster, found.set, signal), pods);
  const revisions = await listKnativeRevisions(cluster, name, signal);
  return describeService(cluster, found.service, revisions, pods);
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
  const unfinished = describeUnfinished(deployment);
  const state = spec.paused
    ? 'paused'
    : wanted === 0
      ? 'stopped'
      : isSettled(deployment) && unfinished === null
        ? 'ready'
        : verdict.state === 'failed' || verdict.trouble.length > 0
          ? 'failing'
          : 'progressing';
  return {
    target: target.name,
    namespace,
    name: metadata.name,
    workload: 'deployment',
    state,
    message:
      state === 'ready' || state === 'stopped'
        ? (unfinished ?? '')
        : (verdict.trouble[0] ?? unfinished ?? verdict.message),
    replicas: { wanted, ready, updated: status.updatedReplicas ?? 0 },
    traffic: [],
    revision: revisionOf(deployment),
    image: podSpec.containers[0]?.image ?? '',
    runtime: podMetadata.annotations?.[annotationNames.runtime] ?? '',
    deployedAt: podMetadata.annotations?.[annotationNames.deployedAt] ?? metadata.creationTimestamp ?? '',
    endpoint: metadata.annotations?.[annotationNames.endpoint] ?? `http://${metadata.name}.${namespace}`,
  };
}
