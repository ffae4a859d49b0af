/** A function from its project to a cluster, step by step. */

import type { BuildWithGiven } from '#core/images/build-with-given.ts';
import type { Progress } from '#shared/contract/define.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { formatBytes } from '#shared/format.ts';
import { type DeployResult, runtimeClassOf, usesKubevirt, usesUrunc } from '#shared/model/deploy.ts';
import type { Autoscale, Route, WorkloadKind } from '#shared/model/deploy-section.ts';
import { readSigningKey } from './attest/sign.ts';
import { checkRoute } from './check-route.ts';
import { type Cluster, findKvmResource, nullIfMissing, pathOf } from './cluster.ts';
import type { DeployContext } from './deploy-context.ts';
import { createDeploySteps } from './deploy-steps.ts';
import { checkWorkload, openWorkload } from './deployed-workload.ts';
import { findLacks } from './find-lacks.ts';
import { beginVmmLayer, checkEngine, describePacking, packImage } from './pack-image.ts';
import { pushFunction } from './push-function.ts';
import { rollOut } from './roll-out.ts';
import { applySecrets, checkSecrets, type Secrets } from './secrets.ts';
import { checkNotElsewhere } from './unfinished.ts';
import { makeWorkload } from './workload.ts';

export interface DeployOptions {
  /** Undefined: that of the target. */
  readonly workload?: WorkloadKind | undefined;
  readonly replicas?: number | undefined;
  /** Bounds within which the cluster chooses the number of pods. */
  readonly autoscale?: Autoscale | undefined;
  readonly secrets: Secrets;
  readonly route?: Route | undefined;
  /** The file of the key that the image is signed with. */
  readonly signKey?: string | undefined;
  readonly wait: boolean;
  readonly rollback: boolean;
  readonly force: boolean;
  readonly build: () => Promise<BuildWithGiven>;
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/** Waits this long for the endpoint's first answer. Units: ms. */
const callTimeoutMs = 15_000;

/**
 * Builds, pushes, applies, watches the rollout and calls the function once.
 *
 * Errors: those of a build; MACHINE_UNSUPPORTED, QEMU_MISSING; REGISTRY_*; CLUSTER_*, CONFLICT; DEPLOY_FAILED with the
 * cluster's message, after the rollback; CANCELLED.
 */
export async function deploy(cluster: Cluster, context: DeployContext, options: DeployOptions): Promise<DeployResult> {
  const { signal, progress } = options;
  const { steps, step } = createDeploySteps(options);

  const { secrets } = options;
  const workload = options.workload ?? cluster.target.workload;
  await checkReferences(cluster, signal);
  await checkWorkload(cluster, workload, options, signal);
  // A key that cannot be used is found before anything is built.
  if (options.signKey !== undefined) await readSigningKey(options.signKey, context.env);
  const versions = await checkSecrets(cluster, secrets, signal);
  await checkRoute(cluster, options.route, signal);
  await checkEngine(cluster, signal);
  // The layer is looked up, or packed, while the function is built.
  const vmm = beginVmmLayer(cluster.target, context, signal);
  const built = await step('build', 'Building', async () => {
    const value = await options.build();
    return { value, detail: value.result.cached ? 'nothing had changed' : `${formatBytes(value.image.bytes)} image` };
  });
  const { config } = built.bundle;
  const { variables, args } = built;
  const hasVariables = Object.keys({ ...variables, ...secrets.keys }).length > 0;
  const runtimeClass = runtimeClassOf(cluster.target);
  const isVm = usesKubevirt(cluster.target);
  const isUnikernel = usesUrunc(cluster.target);
  const pod = await step('image', describePacking(cluster.target), async () => {
    const value = await packImage(cluster.target, context, { ...built, hasVariables, signal, progress, vmm });
    return { value, detail: `${formatBytes(value.functionBytes)} of its own, ${formatBytes(value.vmmBytes)} shared` };
  });
  const pushed = await step('push', `Pushing to ${cluster.target.registry}`, async () => {
    const value = await pushFunction(cluster.target, built, pod, context, options);
    return { value, detail: value.sentBytes === 0 ? 'all of it was there' : `${formatBytes(value.sentBytes)} sent` };
  });
  const deployed = await openWorkload(cluster, workload, config.name, signal);
  checkNotElsewhere(deployed.before, config.name, options.force);
  async function makeObjects(ownVersion: string) {
    const kvm = await findKvmResource(cluster, signal);
    const identity = {
      image: pushed.reference,
      variables,
      args,
      secrets: secrets.keys,
      secretVersions: [versions, ownVersion].filter(Boolean).join(','),
      runtimeClass,
    };
    const objects = makeWorkload({
      ...identity,
      workload,
      config,
      target: cluster.target,
      namespace: cluster.namespace,
      imageId: built.image.id,
      runtime: built.image.runtime,
      replicas: options.replicas ?? deployed.replicas(options.autoscale),
      autoscale: options.autoscale,
      // Deploying the same again makes no new pods where its pods are well: its time stays.
      deployedAt: deployed.runsSince(identity) ?? new Date().toISOString(),
      route: options.route,
      kvmResource: kvm.resource,
      vm: pod.vm,
      port: pod.port,
      revision: deployed.revisionFor?.(pushed.reference),
    });
    const accel = kvm.resource === null ? `emulated: ${kvm.reason}` : `KVM: ${kvm.reason}`;
    const detail =
      runtimeClass === null ? accel : `a ${isUnikernel ? 'unikernel' : 'container'} of RuntimeClass ${runtimeClass}`;
    return { objects, detail: isVm ? 'virtual machines of KubeVirt' : detail };
  }
  const { namespace, target } = cluster;
  const lacks = findLacks(target, context, { config, image: built.image, secrets: secrets.keys });
  const { force, wait, rollback } = options;
  const { graceMs } = context;
  const hasOwn = Object.keys(secrets.own).length > 0;
  const applySecret = () => applySecrets(cluster, config.name, secrets, { workload, force, signal });
  const { revision, answer, warnings } = await rollOut(cluster, {
    ...{
      name: config.name,
      deployed,
      makeObjects,
      force,
      wait,
      rollback,
      graceMs,
      callTimeoutMs,
      step,
      signal,
      progress,
    },
    applySecret: hasOwn ? applySecret : undefined,
  });
  const all = [...lacks, ...warnings];
  return {
    target: target.name,
    namespace,
    name: config.name,
    image: pushed.reference,
    pushedBytes: pushed.sentBytes,
    ...(all.length > 0 && { warnings: all }),
    ...{ revision, steps, answer },
  };
}

/**
 * Checks that the workload's references exist before anything is built or pushed. Errors: NOT_FOUND with the command
 * for it.
 */
async function checkReferences(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const { pullSecret, registry } = cluster.target;
  await cluster.client.json('/version', { signal });
  if (pullSecret === null) return;
  try {
    const found = await nullIfMissing(cluster.client.json(pathOf(cluster, 'secrets', pullSecret), { signal }));
    if (found !== null) return;
  } catch (thrown) {
    // We may not see whether it exists: the nodes will report it.
    if (toFirstlightError(thrown).code === 'CLUSTER_DENIED') return;
    throw thrown;
  }
  const host = registry.split('/')[0];
  throw new FirstlightError('NOT_FOUND', `The namespace ${cluster.namespace} has no Secret "${pullSecret}".`, {
    hint: `kubectl -n ${cluster.namespace} create secret docker-registry ${pullSecret} --docker-server=${host} --docker-username=NAME --docker-password=PASSWORD`,
    details: { subject: pullSecret },
  });
}
