import { FirstlightError } from '#shared/errors.ts';
import type { DeployRevision } from '#shared/model/deploy.ts';
import { removeRoutes } from './check-route.ts';
import { applyObject, type Cluster, getDeployment, listReplicaSets, nullIfMissing, pathOf } from './cluster.ts';
import { revisionOf } from './judge-rollout.ts';
import { findKnativeService } from './knative/find-service.ts';
import { knativeServices } from './knative/objects.ts';
import { applyKnativeTemplate } from './knative/revisions.ts';
import type { DeploymentObject, KubeObject, PodTemplate, ReplicaSetObject } from './kube/objects.ts';
import { listVmSets } from './kubevirt/find-sets.ts';
import { functionOf, newestOf } from './kubevirt/objects.ts';
import { removeVmSets, restoreSet } from './kubevirt/revisions.ts';
import { annotationNames, fieldManager, labelsOf } from './names.ts';
import { isSamePod } from './pod-template.ts';
import { isOurs, removeOwned } from './remove-owned.ts';
import { secretNameOf } from './secrets.ts';
import { withMark } from './unfinished.ts';
import { ownedReplicas } from './workload.ts';

const hashLabel = 'pod-template-hash';

/** The revisions of a function that the cluster keeps, newest first. Errors: CLUSTER_*. */
export async function listRevisions(
  cluster: Cluster,
  deployment: DeploymentObject,
): Promise<readonly DeployRevision[]> {
  const sets = await ownSets(cluster, deployment);
  const current = sets.find((set) => revisionOf(set) === revisionOf(deployment));
  return sets
    .map((set) => ({
      revision: revisionOf(set),
      image: set.spec.template.spec.containers[0]?.image ?? '',
      imageId: set.spec.template.metadata?.annotations?.[annotationNames.imageId] ?? '',
      deployedAt:
        set.spec.template.metadata?.annotations?.[annotationNames.deployedAt] ?? set.metadata.creationTimestamp ?? '',
      isCurrent: set === current,
      isSame: isSame(set, current),
    }))
    .sort((a, b) => b.revision - a.revision);
}

async function ownSets(cluster: Cluster, { metadata }: DeploymentObject): Promise<readonly ReplicaSetObject[]> {
  const sets = await listReplicaSets(cluster, metadata.name);
  return sets.filter((set) => set.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid));
}

/**
 * Takes a function back to a revision; without one, to the newest before the current one whose pods were others.
 *
 * Shape: the resulting Deployment. Errors: NOT_FOUND; CONFLICT when it is paused, or nothing would change; CLUSTER_*.
 */
export async function rollBack(
  cluster: Cluster,
  deployment: DeploymentObject,
  revision: number | undefined,
): Promise<DeploymentObject> {
  const { name } = deployment.metadata;
  checkNotPaused(deployment);
  const sets = [...(await ownSets(cluster, deployment))].sort((a, b) => revisionOf(b) - revisionOf(a));
  const current = sets.find((set) => revisionOf(set) === revisionOf(deployment));
  const known = sets.map(revisionOf).join(', ');
  const chosen =
    revision === undefined
      ? sets.find((set) => set !== current && !isSame(set, current))
      : sets.find((set) => revisionOf(set) === revision);
  if (chosen === undefined) {
    throw new FirstlightError(
      'NOT_FOUND',
      revision === undefined ? `${name} has no earlier revision.` : `${name} has no revision ${revision}.`,
      { hint: `The cluster keeps: ${known}` },
    );
  }
  if (isSame(chosen, current))
    throw new FirstlightError('CONFLICT', `Revision ${revisionOf(chosen)} of ${name} is what runs.`);
  return await applyTemplate(cluster, deployment, chosen.spec.template, { force: false });
}

const isSame = (one: ReplicaSetObject, other: ReplicaSetObject | undefined): boolean =>
  other !== undefined && isSamePod(one.spec.template.spec, other.spec.template.spec);

/**
 * Gives a function the pods of a template, which may be its own; the number of replicas stays unchanged unless it is
 * given.
 */
export async function applyTemplate(
  cluster: Cluster,
  deployment: DeploymentObject,
  { metadata = {}, spec }: PodTemplate,
  { force, replicas = ownedReplicas(deployment) }: { readonly force: boolean; readonly replicas?: number },
): Promise<DeploymentObject> {
  const { name } = deployment.metadata;
  const labels = Object.fromEntries(Object.entries(metadata.labels ?? {}).filter(([key]) => key !== hashLabel));
  const object = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      namespace: cluster.namespace,
      labels: labelsOf(name),
      // An annotation that is left out would be removed.
      annotations: ownAnnotations(deployment),
    },
    spec: {
      ...(replicas !== undefined && { replicas }),
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 120,
      selector: { matchLabels: labelsOf(name) },
      template: { metadata: { labels, annotations: metadata.annotations ?? {} }, spec },
    },
  };
  return await applyObject<DeploymentObject>(cluster, object as KubeObject, { force });
}

const ownAnnotations = ({ metadata }: DeploymentObject) =>
  Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => key.startsWith('firstlight.dev/')));

/** Pauses the rollout of a function, or (false) resumes it. Errors: NOT_FOUND; CLUSTER_*. */
export async function pauseFunction(cluster: Cluster, name: string, paused: boolean): Promise<void> {
  await getDeployment(cluster, name);
  await cluster.client.json(pathOf(cluster, 'deployments', name), {
    method: 'PATCH',
    contentType: 'application/merge-patch+json',
    // A separate field manager: an apply, which never sets this field, leaves it unchanged.
    query: { fieldManager: `${fieldManager}-pause` },
    body: { spec: { paused: paused ? true : null } },
  });
}

/** Errors: CONFLICT for a function that is paused: an apply to it is not rolled out. */
export function checkNotPaused({ metadata: { name }, spec }: DeploymentObject): void {
  if (spec.paused !== true) return;
  throw new FirstlightError('CONFLICT', `${name} is paused.`, {
    hint: `Resume it first: firstlight deploy resume ${name}`,
    details: { subject: name },
  });
}

/** Takes a function off the cluster. Errors: CONFLICT for what somebody else runs under that name; CLUSTER_*. */
export async function removeFunction(cluster: Cluster, name: string): Promise<void> {
  const query = { propagationPolicy: 'Background' };
  const paths = ['services', 'deployments'].map((kind) => pathOf(cluster, kind, name));
  const found = await Promise.all(paths.map((path) => nullIfMissing(cluster.client.json<KubeObject>(path))));
  // What a controller made of another object, such as a Knative Service, ends with that one.
  const isForeign = (object: KubeObject) => !isOurs(object) && (object.metadata.ownerReferences ?? []).length === 0;
  if (found.some((object) => object !== null && isForeign(object))) throw notOurs(cluster, name);
  // What runs the function is marked first and goes last: while it is there, the list tells of what is left.
  const deployment = found[1] as DeploymentObject | null | undefined;
  if (deployment && isOurs(deployment)) {
    await applyTemplate(cluster, withMark(deployment, 'undeploy'), deployment.spec.template, { force: true });
  }
  const service = await findKnativeService(cluster, name);
  if (service !== null && isOurs(service)) {
    await applyKnativeTemplate(cluster, withMark(service, 'undeploy'), service.spec.template);
  }
  const sets = (await listVmSets(cluster, name)).filter((set) => isOurs(set) && functionOf(set) === name);
  const newest = newestOf(sets);
  if (newest !== undefined) await restoreSet(cluster, withMark(newest, 'undeploy'));
  await removeOwned(cluster, 'horizontalpodautoscalers', name);
  await removeOwned(cluster, 'secrets', secretNameOf(name));
  await removeRoutes(cluster, name);
  for (const [index, path] of paths.entries()) {
    const object = found[index];
    const isKnatives = service !== null && (object?.metadata.ownerReferences ?? []).length > 0;
    if (!object || !isOurs(object) || isKnatives) continue;
    await nullIfMissing(cluster.client.json(path, { method: 'DELETE', query }));
  }
  await removeOwned(cluster, knativeServices, name);
  await removeVmSets(cluster, sets);
}

const notOurs = ({ namespace }: Cluster, name: string) =>
  new FirstlightError('CONFLICT', `${name} in ${namespace} was not deployed by Firstlight.`, {
    hint: `Whoever made it deletes it: kubectl -n ${namespace} get deployment,service ${name} -o yaml`,
    details: { subject: name },
  });

/**
 * Sets the number of replicas, also where another manager set it before. Errors: NOT_FOUND; CONFLICT where an autoscaler does; CLUSTER_*.
 *
 * The Deployment itself is applied: its subresource `scale` forgets who owns a number that is 0, and our next deploy would
 * conflict with this change of our own.
 */
export async function scaleFunction(cluster: Cluster, name: string, replicas: number): Promise<void> {
  const deployment = await getDeployment(cluster, name);
  const autoscaler = await nullIfMissing(cluster.client.json(pathOf(cluster, 'horizontalpodautoscalers', name)));
  if (autoscaler !== null) {
    throw new FirstlightError('CONFLICT', `An autoscaler chooses the number of pods of ${name}.`, {
      hint: 'Change its bounds: "deploy.autoscale" in firstlight.json, then deploy.',
      details: { subject: name },
    });
  }
  await applyTemplate(cluster, deployment, deployment.spec.template, { force: true, replicas });
}
