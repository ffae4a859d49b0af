import { isDeepStrictEqual } from 'node:util';
import { FirstlightError } from '#shared/errors.ts';
import type { DeployRevision, TrafficChange } from '#shared/model/deploy.ts';
import { applyObject, type Cluster, pathOf } from '../cluster.ts';
import type { KubeObject, PodTemplate } from '../kube/objects.ts';
import { annotationNames, fieldManager, labelsOf } from '../names.ts';
import { isSamePod } from '../pod-template.ts';
import { isRollingBack, withMark, withoutMark } from '../unfinished.ts';
import { listKnativeRevisions } from './find-service.ts';
import {
  type KnativeRevision,
  type KnativeService,
  knativeGroup,
  knativeServices,
  numberOf,
  type TrafficTarget,
} from './objects.ts';

const imageOf = ({ spec }: KnativeRevision): string => spec.containers[0]?.image ?? '';

/** The revisions that the cluster keeps, newest first. Errors: CLUSTER_*. */
export async function listServiceRevisions(
  cluster: Cluster,
  service: KnativeService,
): Promise<readonly DeployRevision[]> {
  const revisions = await listKnativeRevisions(cluster, service.metadata.name);
  const current = currentOf(service, revisions);
  return revisions
    .map((revision) => ({
      revision: numberOf(revision),
      image: imageOf(revision),
      imageId: revision.metadata.annotations?.[annotationNames.imageId] ?? '',
      deployedAt:
        revision.metadata.annotations?.[annotationNames.deployedAt] ?? revision.metadata.creationTimestamp ?? '',
      isCurrent: revision === current,
      isSame: isSame(revision, current),
    }))
    .sort((a, b) => b.revision - a.revision);
}

/**
 * Takes a function back: a new revision with the template of an earlier one, which gets all traffic.
 *
 * Errors: NOT_FOUND; CONFLICT when nothing would change; CLUSTER_*.
 */
export async function rollBackKnative(
  cluster: Cluster,
  service: KnativeService,
  wanted: number | undefined,
): Promise<void> {
  const { name } = service.metadata;
  const finish = async (template: PodTemplate) => {
    await setTraffic(cluster, name, [{ latestRevision: true, percent: 100 }]);
    await applyKnativeTemplate(cluster, withoutMark(service), template);
  };
  const revisions = [...(await listKnativeRevisions(cluster, name))].sort((a, b) => numberOf(b) - numberOf(a));
  const current = currentOf(service, revisions);
  // One that was ended before the traffic had gone over has given the service its template, and goes on.
  const goesOn = isRollingBack(service);
  if (goesOn && wanted === undefined) return await finish(service.spec.template);
  const chosen = revisions.find((one) => (wanted === undefined ? !isSame(one, current) : numberOf(one) === wanted));
  if (chosen === undefined) throw noRevision(name, wanted, revisions);
  if (isSame(chosen, current) && !goesOn) {
    throw new FirstlightError('CONFLICT', `Revision ${numberOf(chosen)} of ${name} is what runs.`);
  }
  await applyKnativeTemplate(cluster, withMark(service, 'rollback'), templateOf(chosen));
  await finish(templateOf(chosen));
}

const currentOf = ({ status }: KnativeService, revisions: readonly KnativeRevision[]) =>
  revisions.find(({ metadata }) => metadata.name === status?.latestCreatedRevisionName);

/** True when both have the same pods, within the same bounds. */
const isSame = (one: KnativeRevision, other: KnativeRevision | undefined): boolean =>
  other !== undefined && isSamePod(one.spec, other.spec) && isDeepStrictEqual(boundsOf(one), boundsOf(other));

const boundsOf = ({ metadata: { annotations = {} } }: KnativeRevision) =>
  ['min-scale', 'max-scale'].map((key) => annotations[`autoscaling.knative.dev/${key}`]);

function noRevision(name: string, wanted: number | undefined, revisions: readonly KnativeRevision[]): FirstlightError {
  const message = wanted === undefined ? `${name} has no earlier revision.` : `${name} has no revision ${wanted}.`;
  const known = revisions.map(numberOf).sort((a, b) => b - a);
  return new FirstlightError('NOT_FOUND', message, { hint: `The cluster keeps: ${known.join(', ')}` });
}

const ownAnnotations = (annotations: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(
    Object.entries(annotations).filter(([key]) => /^firstlight\.dev\/|^autoscaling\.knative\.dev\//.test(key)),
  );

function templateOf({ metadata, spec }: KnativeRevision): PodTemplate {
  return { metadata: { annotations: ownAnnotations(metadata.annotations) }, spec };
}

/** Gives a function the pods of a template. Errors: CLUSTER_*. */
export async function applyKnativeTemplate(
  cluster: Cluster,
  { metadata: { name, annotations } }: KnativeService,
  { metadata, spec }: PodTemplate,
): Promise<void> {
  const labels = labelsOf(name);
  const object = {
    apiVersion: `${knativeGroup}/v1`,
    kind: 'Service',
    metadata: { name, namespace: cluster.namespace, labels, annotations: ownAnnotations(annotations) },
    spec: { template: { metadata: { labels, annotations: ownAnnotations(metadata?.annotations) }, spec } },
  };
  await applyObject(cluster, object as KubeObject, { force: true });
}

/**
 * Splits the traffic of a function between revisions. Errors: BAD_INPUT unless the shares make 100; NOT_FOUND for a
 * revision that the cluster does not have; CLUSTER_*.
 */
export async function splitTraffic(
  cluster: Cluster,
  { metadata: { name } }: KnativeService,
  shares: readonly TrafficChange[],
): Promise<void> {
  const sum = shares.reduce((total, { percent }) => total + percent, 0);
  if (sum !== 100) {
    throw new FirstlightError('BAD_INPUT', `The shares make ${sum} %, not 100.`, {
      hint: `For example: firstlight deploy traffic ${name} 1=80 latest=20`,
    });
  }
  const revisions = await listKnativeRevisions(cluster, name);
  const targets = shares.map(({ revision, percent }): TrafficTarget => {
    if (revision === 'latest') return { latestRevision: true, percent };
    const found = revisions.find((one) => numberOf(one) === revision);
    if (found === undefined) throw noRevision(name, revision, revisions);
    return { revisionName: found.metadata.name, latestRevision: false, percent };
  });
  await setTraffic(cluster, name, targets);
}

/** A separate field manager: a deploy, which never sets the traffic, leaves it unchanged. */
async function setTraffic(cluster: Cluster, name: string, traffic: readonly TrafficTarget[]): Promise<void> {
  await cluster.client.json(pathOf(cluster, knativeServices, name), {
    method: 'PATCH',
    contentType: 'application/merge-patch+json',
    query: { fieldManager: `${fieldManager}-traffic` },
    body: { spec: { traffic } },
  });
}
