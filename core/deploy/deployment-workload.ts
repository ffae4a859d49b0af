import { FirstlightError } from '#shared/errors.ts';
import { applyObject, type Cluster, findDeployment, pathOf } from './cluster.ts';
import {
  isSettled,
  judgeRollout,
  missedDeadlineOf,
  newestReplicaSet,
  podsOf,
  type RolloutPicture,
  revisionOf,
} from './judge-rollout.ts';
import { findKnativeService } from './knative/find-service.ts';
import type { Condition, DeploymentObject, KubeObject, PodObject, ReplicaSetObject } from './kube/objects.ts';
import { findVmSet } from './kubevirt/find-sets.ts';
import { annotationNames, selectorOf } from './names.ts';
import type { OpenWorkload } from './open-workload.ts';
import { isTemplateOf } from './pod-template.ts';
import { createClaim, stampOf } from './replaced.ts';
import { applyTemplate, checkNotPaused, removeFunction } from './revisions.ts';
import { withMark, withoutMark } from './unfinished.ts';
import { type RolloutSource, watchRollout } from './watch-rollout.ts';
import { usualReplicas } from './workload.ts';

/** A function as a Deployment. Errors: CONFLICT when it is paused, or runs as a Knative Service; CLUSTER_*. */
export async function openDeployment(cluster: Cluster, name: string, signal: AbortSignal): Promise<OpenWorkload> {
  const before = await findDeployment(cluster, name, signal);
  if (before !== null) checkNotPaused(before);
  else if ((await findKnativeService(cluster, name, signal)) !== null) {
    throw otherWorkload(name, 'a Knative Service', 'a Deployment');
  } else if ((await findVmSet(cluster, name, signal)) !== null) {
    throw otherWorkload(name, 'machines of KubeVirt', 'a Deployment');
  }
  let missedBefore: Condition | null = null;
  let deadlineMs = 0;
  const claim = createClaim<DeploymentObject>(name, before, ({ spec }) => stampOf(spec.template));
  let finish: (signal: AbortSignal) => Promise<unknown> = async () => undefined;
  const template = before?.spec.template;
  const annotation = (key: string) => template?.metadata?.annotations?.[key];
  return {
    before,
    replicas: (autoscale) => usualReplicas(before, autoscale),
    annotation,
    runsSince: (identity) =>
      before !== null && isSettled(before) && template !== undefined && isTemplateOf(template, identity)
        ? (annotation(annotationNames.deployedAt) ?? null)
        : null,
    mark: async () => {
      if (before === null) return async () => undefined;
      const put = async (object: DeploymentObject) => {
        await applyTemplate(cluster, object, object.spec.template, { force: true });
      };
      await put(withMark(before, 'deploy'));
      return () => put(before);
    },
    apply: async (objects, { force, leavesRest }, applySignal) => {
      const own = objects.find(({ kind }) => kind === 'Deployment') as DeploymentObject | undefined;
      if (own === undefined) throw new FirstlightError('INTERNAL', 'There is no Deployment to apply.');
      const apply = (object: KubeObject, by = applySignal) =>
        applyObject<DeploymentObject>(cluster, object, { force, signal: by });
      const applied = await claim.apply(own, () => apply(withMark(own, 'deploy')));
      for (const object of objects) if (object !== own) await apply(object);
      if (leavesRest) finish = (by) => apply(own, by);
      else await apply(own);
      missedBefore = missedDeadlineOf(applied);
      deadlineMs = performance.now() + 1000 * (applied.spec.progressDeadlineSeconds ?? 0);
      return { generation: applied.metadata.generation ?? 0, revision: revisionOf(applied) };
    },
    watch: async ({ generation }, options) => {
      const judge = (seen: RolloutPicture) => {
        if (seen.deployment !== null && isLater(seen.deployment, generation)) claim.check(seen.deployment);
        // The controller does not write a condition again that it has: after our own wait the old one is ours too.
        return judgeRollout(seen, generation, performance.now() < deadlineMs ? missedBefore : null);
      };
      const { verdict, picture } = await watchRollout<RolloutPicture>(cluster, {
        ...options,
        initial: { deployment: null, replicaSets: [], pods: [], events: [] },
        sources: sourcesOf(name),
        judge,
      });
      const pods = podsOf(newestReplicaSet(picture), picture.pods);
      return { verdict, pods, revision: picture.deployment === null ? 0 : revisionOf(picture.deployment) };
    },
    finish: async (finishSignal) => {
      await finish(finishSignal);
    },
    isTouched: claim.isTouched,
    whose: async () => claim.whose(await findDeployment(cluster, name)),
    goBack: async () => {
      if (before === null) {
        await removeFunction(cluster, name);
        return 'It was new, so it was taken away again.';
      }
      // All parts are in place by now, also where an earlier deploy had not got so far.
      await applyTemplate(cluster, withoutMark(before), before.spec.template, { force: true });
      return `It went back to revision ${revisionOf(before)}.`;
    },
    call: (callSignal) =>
      cluster.client.raw(`${pathOf(cluster, 'services', `${name}:http`)}/proxy/`, { signal: callSignal }),
  };
}

const sourcesOf = (name: string): RolloutSource<RolloutPicture>[] => [
  {
    kind: 'deployments',
    fieldSelector: `metadata.name=${name}`,
    put: (picture, [deployment = null]) => ({ ...picture, deployment: deployment as DeploymentObject | null }),
  },
  {
    kind: 'replicasets',
    labelSelector: selectorOf(name),
    put: (picture, found) => ({ ...picture, replicaSets: found as readonly ReplicaSetObject[] }),
  },
  {
    kind: 'pods',
    labelSelector: selectorOf(name),
    put: (picture, found) => ({ ...picture, pods: found as readonly KubeObject[] as readonly PodObject[] }),
  },
];

export const isLater = ({ metadata }: KubeObject, than: number): boolean => (metadata.generation ?? 0) > than;

/** A function has one object: a second one of another kind would fight for its name. */
export const otherWorkload = (name: string, is: string, wanted: string): FirstlightError =>
  new FirstlightError('CONFLICT', `${name} runs as ${is}; this deploy would make ${wanted}.`, {
    hint: `Take it away first: firstlight deploy undeploy ${name}`,
    details: { subject: name },
  });
