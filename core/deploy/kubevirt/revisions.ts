import { FirstlightError } from '#shared/errors.ts';
import type { DeployRevision } from '#shared/model/deploy.ts';
import { applyObject, type Cluster, nullIfMissing, pathOf } from '../cluster.ts';
import { annotationNames, labelsOf } from '../names.ts';
import { makeService } from '../service.ts';
import { isRollingBack, withMark, withoutMark } from '../unfinished.ts';
import { listVmSets } from './find-sets.ts';
import {
  functionOf,
  imageOf,
  kubevirtGroup,
  newestOf,
  revisionLabel,
  revisionOfSet,
  setNameOf,
  type VmReplicaSet,
  vmReplicaSets,
} from './objects.ts';
import { watchSet } from './watch-set.ts';

/** The earlier revisions that stay on the cluster, as sets without machines. */
const keptRevisions = 10;

/** The revisions that the cluster keeps, newest first. Errors: CLUSTER_*. */
export async function listVmRevisions(cluster: Cluster, name: string): Promise<readonly DeployRevision[]> {
  const sets = await listVmSets(cluster, name);
  const newest = newestOf(sets);
  return sets
    .map((set) => ({
      revision: revisionOfSet(set),
      image: imageOf(set),
      imageId: set.metadata.annotations?.[annotationNames.imageId] ?? '',
      deployedAt: set.metadata.annotations?.[annotationNames.deployedAt] ?? set.metadata.creationTimestamp ?? '',
      isCurrent: set === newest,
    }))
    .sort((a, b) => b.revision - a.revision);
}

/**
 * Takes a function back: a new revision of an earlier one's machines. The Service goes over to them when they are ready.
 *
 * Errors: NOT_FOUND; CONFLICT when nothing would change; DEPLOY_FAILED, with the present revision left as it is;
 * CLUSTER_*; CANCELLED.
 */
export async function rollBackVm(
  cluster: Cluster,
  name: string,
  wanted: number | undefined,
  { graceMs, signal }: { readonly graceMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const sets = [...(await listVmSets(cluster, name))].sort((a, b) => revisionOfSet(b) - revisionOfSet(a));
  const [current] = sets;
  const isSame = (one: VmReplicaSet) => current !== undefined && imageOf(one) === imageOf(current);
  // One that was ended before the Service had gone over is the newest revision by now, and goes on.
  const goesOn = current !== undefined && isRollingBack(current);
  const chosen =
    goesOn && wanted === undefined
      ? current
      : sets.find((one) => (wanted === undefined ? !isSame(one) : revisionOfSet(one) === wanted));
  if (chosen === undefined || current === undefined) {
    const message = wanted === undefined ? `${name} has no earlier revision.` : `${name} has no revision ${wanted}.`;
    const known = sets.map(revisionOfSet).join(', ');
    throw new FirstlightError('NOT_FOUND', message, { hint: `The cluster keeps: ${known}` });
  }
  const isCurrent = isSame(chosen);
  if (isCurrent && !goesOn) {
    throw new FirstlightError('CONFLICT', `Revision ${revisionOfSet(chosen)} of ${name} is what runs.`);
  }
  const revision = revisionOfSet(current) + (isCurrent ? 0 : 1);
  const set = copySet(cluster, withoutMark(chosen), revision, current.spec.replicas ?? 1);
  await applyObject(cluster, withMark(set, 'rollback'), { signal });
  const { verdict } = await watchSet(cluster, name, revision, { graceMs, signal, onVerdict: () => undefined });
  if (verdict.state === 'failed') {
    const path = pathOf(cluster, vmReplicaSets, set.metadata.name);
    // The Service may lead there already where an earlier rollback was ended.
    if (!isCurrent) await nullIfMissing(cluster.client.json(path, { method: 'DELETE' }));
    throw new FirstlightError('DEPLOY_FAILED', `${name} does not run as before: ${verdict.message}`, {
      hint: isCurrent ? 'It was left as it is.' : `It stayed at revision ${revisionOfSet(current)}.`,
      details: { output: verdict.trouble.join('\n'), subject: name },
    });
  }
  await leadTo(cluster, name, set);
  await retireSets(cluster, sets, revision);
  await applyObject(cluster, set);
}

const ownAnnotations = (annotations: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => key.startsWith('firstlight.dev/')));

/** The object to apply for the machines of a set, as another revision or another number of them. */
function copySet({ namespace }: Cluster, of: VmReplicaSet, revision: number, replicas: number): VmReplicaSet {
  const name = functionOf(of);
  const labels = { ...labelsOf(name), [revisionLabel]: String(revision) };
  const annotations = ownAnnotations(of.metadata.annotations);
  const template = { metadata: { labels }, spec: of.spec.template.spec };
  const set = {
    apiVersion: `${kubevirtGroup}/v1`,
    kind: 'VirtualMachineInstanceReplicaSet',
    metadata: { name: setNameOf(name, revision), namespace, labels, annotations },
    spec: { replicas, selector: { matchLabels: labels }, template },
  };
  return set;
}

async function leadTo(cluster: Cluster, name: string, { metadata, spec }: VmReplicaSet): Promise<void> {
  const { tcpSocket } = spec.template.spec.readinessProbe as { readonly tcpSocket: { readonly port: number } };
  const selector = metadata.labels ?? {};
  await applyObject(cluster, makeService(name, cluster.namespace, { selector, targetPort: tcpSocket.port }));
}

/** The sets of earlier revisions: those whose machines end when another one serves, and those that are too old to keep. */
export function planRetirement(sets: readonly VmReplicaSet[], revision: number) {
  const earlier = sets
    .filter((set) => revisionOfSet(set) !== revision)
    .sort((a, b) => revisionOfSet(b) - revisionOfSet(a));
  return {
    ended: earlier.slice(0, keptRevisions).filter(({ spec }) => (spec.replicas ?? 1) > 0),
    deleted: earlier.slice(keptRevisions),
  };
}

/** Ends the machines of all revisions but one, and deletes the oldest sets. Errors: CLUSTER_*. */
export async function retireSets(
  cluster: Cluster,
  sets: readonly VmReplicaSet[],
  revision: number,
  signal?: AbortSignal,
): Promise<void> {
  const { ended, deleted } = planRetirement(sets, revision);
  for (const set of ended) await setReplicas(cluster, set, 0, signal);
  for (const { metadata } of deleted) {
    const path = pathOf(cluster, vmReplicaSets, metadata.name);
    await nullIfMissing(cluster.client.json(path, { method: 'DELETE', signal }));
  }
}

/**
 * Sets the number of machines, also where another manager set it before. The set itself is applied: a patch by another
 * manager would be a conflict for the next deploy of the same revision. Errors: CLUSTER_*.
 */
export async function setReplicas(
  cluster: Cluster,
  set: VmReplicaSet,
  replicas: number,
  signal?: AbortSignal,
): Promise<void> {
  await applyObject(cluster, copySet(cluster, set, revisionOfSet(set), replicas), { force: true, signal });
}

/** Applies a set as it was read. Errors: CLUSTER_*. */
export const restoreSet = (cluster: Cluster, set: VmReplicaSet): Promise<void> =>
  setReplicas(cluster, set, set.spec.replicas ?? 1);

/** Deletes the sets of a function, and their machines with them; the newest, which has the mark, last. Errors: CLUSTER_*. */
export async function removeVmSets(cluster: Cluster, sets: readonly VmReplicaSet[]): Promise<void> {
  for (const set of [...sets].sort((a, b) => revisionOfSet(a) - revisionOfSet(b))) {
    const path = pathOf(cluster, vmReplicaSets, set.metadata.name);
    await nullIfMissing(cluster.client.json(path, { method: 'DELETE', query: { propagationPolicy: 'Background' } }));
  }
}
