import type { BuildWithGiven } from '#core/images/build-with-given.ts';
import type { Progress } from '#shared/contract/define.ts';
import type { CallOutput } from '#shared/contract/index.ts';
import { runtimeClassOf } from '#shared/model/deploy.ts';
import type { Autoscale, Route, WorkloadKind } from '#shared/model/deploy-section.ts';
import { checkRoute } from './check-route.ts';
import { type Cluster, findKvmResource } from './cluster.ts';
import { compareObjects } from './compare-objects.ts';
import type { DeployContext } from './deploy-context.ts';
import { checkWorkload, openWorkload } from './deployed-workload.ts';
import { findLacks } from './find-lacks.ts';
import { toYaml } from './manifests.ts';
import { annotationNames } from './names.ts';
import type { OpenWorkload } from './open-workload.ts';
import { checkEngine, packImage } from './pack-image.ts';
import { checkSecrets, describeOwnSecret, type Secrets } from './secrets.ts';
import { makeWorkload } from './workload.ts';

export interface PreviewRequest extends Pick<BuildWithGiven, 'bundle' | 'image' | 'variables' | 'args'> {
  /** Undefined: that of the target. */
  readonly workload?: WorkloadKind | undefined;
  readonly replicas?: number | undefined;
  readonly autoscale?: Autoscale | undefined;
  readonly secrets: Secrets;
  readonly route?: Route | undefined;
  /** Takes over fields that another manager has set. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/**
 * The objects that a deploy would apply, and the cluster's objects before and after. Errors: CLUSTER_*, CONFLICT; as
 * `makePodImage`.
 */
export async function previewDeploy(
  cluster: Cluster,
  context: DeployContext,
  {
    bundle,
    image,
    variables,
    args,
    replicas,
    autoscale,
    route,
    secrets,
    force,
    signal,
    progress,
    ...request
  }: PreviewRequest,
): Promise<CallOutput<'deploy:preview'>> {
  const { target, namespace } = cluster;
  const { workload = target.workload } = request;
  await checkWorkload(cluster, workload, { replicas, autoscale, route }, signal);
  const versions = await checkSecrets(cluster, secrets, signal);
  await checkRoute(cluster, route, signal);
  await checkEngine(cluster, signal);
  const { config } = bundle;
  const hasVariables = Object.keys({ ...variables, ...secrets.keys }).length > 0;
  const pod = await packImage(target, context, { bundle, image, hasVariables, signal, progress });
  const before = await openWorkload(cluster, workload, config.name, signal);
  const kvm = await findKvmResource(cluster, signal);
  const reference = `${target.registry}/${config.name}@${pod.image.manifest.digest}`;
  const objects = makeWorkload({
    workload,
    config,
    target,
    namespace,
    image: reference,
    imageId: image.id,
    runtime: image.runtime,
    replicas: replicas ?? before.replicas(autoscale),
    autoscale,
    deployedAt: before.annotation(annotationNames.deployedAt) ?? '(now)',
    route,
    variables,
    args,
    secrets: secrets.keys,
    secretVersions: previewVersions(before, versions, secrets),
    kvmResource: kvm.resource,
    runtimeClass: runtimeClassOf(target),
    vm: pod.vm,
    port: pod.port,
    revision: before.revisionFor?.(reference),
  });
  const changes = await compareObjects(cluster, config.name, objects, { force, signal });
  const notes = [
    ...findLacks(target, context, { config, image, secrets: secrets.keys }),
    await describeOwnSecret(cluster, config.name, secrets, signal),
    ...changes.notes,
  ];
  return {
    yaml: toYaml(objects),
    before: toYaml(changes.before),
    after: toYaml(changes.after),
    note: joinNotes(notes),
  };
}

export const joinNotes = (notes: readonly string[]): string => notes.filter((note) => note !== '').join('\n');

/** The version of our own Secret is known once it is applied: until then it counts as it is. */
function previewVersions(before: OpenWorkload, versions: string, { own }: Secrets): string {
  if (Object.keys(own).length === 0) return versions;
  return before.annotation(annotationNames.secrets) ?? [versions, '(new)'].filter(Boolean).join(',');
}
