import type { Deployment } from '#shared/model/deploy.ts';
import type { Cluster } from '../cluster.ts';
import type { PodObject } from '../kube/objects.ts';
import { annotationNames } from '../names.ts';
import { describeUnfinished } from '../unfinished.ts';
import { judgeKnative } from './judge-knative.ts';
import { conditionOf, type KnativeRevision, type KnativeService, numberOf } from './objects.ts';

/** The state of a function that runs as a Knative Service. At zero it is ready: a request has it started. */
export function describeService(
  { target, namespace }: Pick<Cluster, 'target' | 'namespace'>,
  service: KnativeService,
  own: readonly KnativeRevision[],
  pods: readonly PodObject[],
): Deployment {
  const { metadata, spec, status = {} } = service;
  const numberBy = (name: string | undefined) => numberOf(own.find((one) => one.metadata.name === name));
  const verdict = judgeKnative({ service, revisions: own, pods, events: [] }, metadata.generation ?? 0);
  const unfinished = describeUnfinished(service);
  const isReady = verdict.state === 'done' && unfinished === null;
  const isFailing = verdict.trouble.length > 0 || conditionOf(service, 'Ready')?.status === 'False';
  const sum = (count: (status: NonNullable<KnativeRevision['status']>) => number | undefined) =>
    own.reduce((total, one) => total + Math.max(0, count(one.status ?? {}) ?? 0), 0);
  const ready = sum(({ actualReplicas }) => actualReplicas);
  const wanted = Math.max(
    ready,
    sum(({ desiredReplicas }) => desiredReplicas),
  );
  const template = spec.template.metadata?.annotations;
  return {
    target: target.name,
    namespace,
    name: metadata.name,
    workload: 'knative',
    state: isReady ? 'ready' : isFailing ? 'failing' : 'progressing',
    message: isReady
      ? ''
      : (verdict.trouble[0] ?? unfinished ?? conditionOf(service, 'Ready')?.message ?? verdict.message),
    replicas: { wanted, ready, updated: ready },
    traffic: (status.traffic ?? []).map(({ revisionName, latestRevision = false, percent = 0 }) => ({
      revision: numberBy(revisionName),
      percent,
      isLatest: latestRevision,
    })),
    revision: numberBy(status.latestCreatedRevisionName),
    image: spec.template.spec.containers[0]?.image ?? '',
    runtime: template?.[annotationNames.runtime] ?? '',
    deployedAt: template?.[annotationNames.deployedAt] ?? metadata.creationTimestamp ?? '',
    endpoint: status.url ?? `http://${metadata.name}.${namespace}`,
  };
}
