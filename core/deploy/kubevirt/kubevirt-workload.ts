import { FirstlightError } from '#shared/errors.ts';
import type { WorkloadKind } from '#shared/model/deploy-section.ts';
import { applyObject, type Cluster, findDeployment, nullIfMissing, pathOf } from '../cluster.ts';
import { otherWorkload } from '../deployment-workload.ts';
import { annotationNames } from '../names.ts';
import type { OpenWorkload, WorkloadPlan } from '../open-workload.ts';
import { createClaim } from '../replaced.ts';
import { removeFunction } from '../revisions.ts';
import { withMark } from '../unfinished.ts';
import { findVmSet, listVmSets } from './find-sets.ts';
import { judgeKubevirt, podsOfSet } from './judge-kubevirt.ts';
import { imageOf, newestOf, revisionOfSet, setNameOf, type VmReplicaSet, vmReplicaSets } from './objects.ts';
import { restoreSet, retireSets } from './revisions.ts';
import { watchSet } from './watch-set.ts';

/** Errors: BAD_INPUT for what a function on KubeVirt cannot have. */
export function refuseUnfitForVm(workload: WorkloadKind, { autoscale }: WorkloadPlan): void {
  const refuse = (message: string, hint: string) => new FirstlightError('BAD_INPUT', message, { hint });
  if (workload === 'knative') {
    throw refuse('Knative runs pods, and the engine of this target is KubeVirt.', 'Use a target of another engine.');
  }
  if (autoscale === undefined) return;
  throw refuse('On KubeVirt the number of machines is set, not chosen.', 'Use "replicas" in place of "autoscale".');
}

/**
 * A function on KubeVirt: a set of machines for each revision, of which the Service leads to one. The Service goes over
 * to a new one when its machines are ready; those of the one before then end.
 *
 * Errors: CONFLICT when it runs as a Deployment; CLUSTER_*.
 */
export async function openKubevirt(cluster: Cluster, name: string, signal: AbortSignal): Promise<OpenWorkload> {
  const sets = await listVmSets(cluster, name, signal);
  const before = newestOf(sets);
  if (before === undefined && (await findDeployment(cluster, name, signal)) !== null) {
    throw otherWorkload(name, 'a Deployment', 'machines of KubeVirt');
  }
  const annotation = (key: string) => before?.metadata.annotations?.[key];
  const isSame = (image: string) => before !== undefined && imageOf(before) === image;
  const next = (image: string) =>
    before === undefined ? 1 : isSame(image) ? revisionOfSet(before) : revisionOfSet(before) + 1;
  let revision = 0;
  const claim = createClaim<VmReplicaSet>(name, before ?? null, stampOfSet);
  type Step = (stepSignal: AbortSignal) => Promise<void>;
  /** The Service and the route lead to the new machines from then on. */
  let lead: Step = async () => undefined;
  /** The machines of before end, and the set of the new ones loses its mark. */
  let finish: Step = async () => undefined;
  return {
    before: before ?? null,
    replicas: () => before?.spec.replicas ?? 1,
    annotation,
    revisionFor: next,
    runsSince: ({ image }) =>
      before !== undefined && isSame(image) && judgeKubevirt({ set: before, ...nothing }).state === 'done'
        ? (annotation(annotationNames.deployedAt) ?? null)
        : null,
    apply: async ([set, ...rest], options, applySignal) => {
      if (set === undefined) throw new FirstlightError('INTERNAL', 'No set of machines was made.');
      revision = revisionOfSet(set);
      const { force } = options;
      const applied = await claim.apply(set as VmReplicaSet, () =>
        applyObject<VmReplicaSet>(cluster, withMark(set, 'deploy'), { force, signal: applySignal }),
      );
      lead = async (leadSignal) => {
        for (const object of rest) await applyObject(cluster, object, { force, signal: leadSignal });
      };
      finish = async (finishSignal) => {
        await retireSets(cluster, sets, revision, finishSignal);
        await applyObject(cluster, set, { force, signal: finishSignal });
      };
      if (!options.wait) await lead(applySignal);
      return { generation: applied.metadata.generation ?? 0, revision };
    },
    watch: async (_, options) => {
      const { verdict, picture } = await watchSet(cluster, name, revision, { ...options, check: claim.check });
      if (verdict.state === 'done') await lead(options.signal);
      return { verdict, revision, pods: podsOfSet(picture.set, picture.pods) };
    },
    finish: (finishSignal) => finish(finishSignal),
    isTouched: claim.isTouched,
    whose: async () => claim.whose(await findVmSet(cluster, name)),
    goBack: async () => {
      if (before === undefined) {
        await removeFunction(cluster, name);
        return 'It was new, so it was taken away again.';
      }
      if (revision === revisionOfSet(before)) {
        await restoreSet(cluster, before);
        return 'Its revision is the same as before, and stays.';
      }
      const path = pathOf(cluster, vmReplicaSets, setNameOf(name, revision));
      await nullIfMissing(cluster.client.json(path, { method: 'DELETE' }));
      return `It stayed at revision ${revisionOfSet(before)}.`;
    },
    call: (callSignal) =>
      cluster.client.raw(`${pathOf(cluster, 'services', `${name}:http`)}/proxy/`, { signal: callSignal }),
  };
}

const stampOfSet = (set: VmReplicaSet): string =>
  `${set.metadata.annotations?.[annotationNames.deployedAt]} ${imageOf(set)}`;

const nothing = { machines: [], pods: [], events: [] } as const;
