import { FirstlightError } from '#shared/errors.ts';
import type { WorkloadKind } from '#shared/model/deploy-section.ts';
import { applyObject, type Cluster, findDeployment } from '../cluster.ts';
import { isLater, otherWorkload } from '../deployment-workload.ts';
import type { KubeObject, PodObject } from '../kube/objects.ts';
import { annotationNames, selectorOf } from '../names.ts';
import type { OpenWorkload, WorkloadPlan } from '../open-workload.ts';
import { isTemplateOf } from '../pod-template.ts';
import { createClaim, stampOf } from '../replaced.ts';
import { removeFunction } from '../revisions.ts';
import { withMark, withoutMark } from '../unfinished.ts';
import { type RolloutSource, watchRollout } from '../watch-rollout.ts';
import { callRevision } from './call-revision.ts';
import { findKnativeService } from './find-service.ts';
import { judgeKnative, type KnativePicture, newestRevision, podsOfRevision } from './judge-knative.ts';
import {
  conditionOf,
  type KnativeRevision,
  type KnativeService,
  knativeLabels,
  knativeRevisions,
  knativeServices,
  numberOf,
} from './objects.ts';
import { applyKnativeTemplate } from './revisions.ts';

/** Errors: BAD_INPUT for settings that the workload cannot have. */
export function refuseUnfit(workload: WorkloadKind, { replicas, autoscale, route }: WorkloadPlan): void {
  const refuse = (message: string, hint: string) => new FirstlightError('BAD_INPUT', message, { hint });
  if (workload === 'deployment') {
    if (autoscale?.min !== 0) return;
    throw refuse('A Deployment does not go to zero.', 'Use "workload": "knative", or "min": 1 in "deploy.autoscale".');
  }
  if (replicas !== undefined) {
    throw refuse('Knative chooses the number of pods.', 'Use "deploy.autoscale" with "min" and "max" instead.');
  }
  if (route === undefined) return;
  throw refuse('A Knative Service has its own address.', 'Take "route" out of "deploy" in firstlight.json.');
}

/** A function as a Knative Service. Errors: CONFLICT when it runs as a Deployment; CLUSTER_*. */
export async function openKnative(cluster: Cluster, name: string, signal: AbortSignal): Promise<OpenWorkload> {
  const before = await findKnativeService(cluster, name, signal);
  if (before === null && (await findDeployment(cluster, name, signal)) !== null) {
    throw otherWorkload(name, 'a Deployment', 'a Knative Service');
  }
  const template = before?.spec.template;
  const annotation = (key: string) => template?.metadata?.annotations?.[key];
  let latest = '';
  const claim = createClaim<KnativeService>(name, before, ({ spec }) => stampOf(spec.template));
  return {
    before,
    replicas: () => undefined,
    annotation,
    runsSince: (identity) =>
      before !== null && isWell(before) && template !== undefined && isTemplateOf(template, identity)
        ? (annotation(annotationNames.deployedAt) ?? null)
        : null,
    mark: async () => {
      if (before === null) return async () => undefined;
      await applyKnativeTemplate(cluster, withMark(before, 'deploy'), before.spec.template);
      return () => applyKnativeTemplate(cluster, before, before.spec.template);
    },
    // One object, and without a mark: with it in place nothing is left to do.
    apply: async ([own], { force }, applySignal) => {
      if (own === undefined) throw new FirstlightError('INTERNAL', 'There is no Knative Service to apply.');
      const { metadata } = await claim.apply(own as KnativeService, () =>
        applyObject<KnativeService>(cluster, own, { force, signal: applySignal }),
      );
      // Its number is the cluster's to give: it is known once the revision is there.
      return { generation: metadata.generation ?? 0, revision: 0 };
    },
    watch: async ({ generation }, options) => {
      const { verdict, picture } = await watchRollout<KnativePicture>(cluster, {
        ...options,
        initial: { service: null, revisions: [], pods: [], events: [] },
        sources: sourcesOf(name),
        judge: (seen) => {
          if (seen.service !== null && isLater(seen.service, generation)) claim.check(seen.service);
          return judgeKnative(seen, generation);
        },
      });
      const revision = newestRevision(picture);
      latest = revision?.metadata.name ?? '';
      return { verdict, revision: numberOf(revision), pods: podsOfRevision(revision, picture.pods) };
    },
    finish: async () => undefined,
    isTouched: claim.isTouched,
    whose: async () => claim.whose(await findKnativeService(cluster, name)),
    goBack: async () => {
      if (before === null) {
        await removeFunction(cluster, name);
        return 'It was new, so it was taken away again.';
      }
      await applyKnativeTemplate(cluster, withoutMark(before), before.spec.template);
      return 'It went back to the revision before, which serves on.';
    },
    call: (callSignal) => callRevision(cluster, latest, { path: '/', signal: callSignal }),
  };
}

/** True when all of it is as it was applied. */
const isWell = (service: KnativeService): boolean =>
  conditionOf(service, 'Ready')?.status === 'True' &&
  (service.status?.observedGeneration ?? 0) >= (service.metadata.generation ?? 0) &&
  service.status?.latestCreatedRevisionName === service.status?.latestReadyRevisionName;

const sourcesOf = (name: string): RolloutSource<KnativePicture>[] => [
  {
    kind: knativeServices,
    fieldSelector: `metadata.name=${name}`,
    put: (picture, [service = null]) => ({ ...picture, service: service as KnativeService | null }),
  },
  {
    kind: knativeRevisions,
    labelSelector: `${knativeLabels.service}=${name}`,
    put: (picture, found) => ({ ...picture, revisions: found as readonly KubeObject[] as readonly KnativeRevision[] }),
  },
  {
    kind: 'pods',
    labelSelector: selectorOf(name),
    put: (picture, found) => ({ ...picture, pods: found as readonly PodObject[] }),
  },
];
