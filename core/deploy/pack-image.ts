import type { GivesAtStart } from '#core/images/build-with-given.ts';
import type { Build } from '#core/images/image-store.ts';
import type { Progress } from '#shared/contract/define.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type KubernetesTarget, runtimeClassOf, usesKubevirt, usesUrunc } from '#shared/model/deploy.ts';
import { findRuntimeClass } from './check-runtime-class.ts';
import type { Cluster } from './cluster.ts';
import type { DeployContext } from './deploy-context.ts';
import { makeVmImage } from './kubevirt/vm-image.ts';
import { makeContainerImage } from './pod-image/container-image.ts';
import { makePodImage, type PodImage } from './pod-image/pod-image.ts';
import { sweepLayers } from './pod-image/sweep-layers.ts';
import { makeUruncImage } from './pod-image/urunc-image.ts';
import { makeVmmLayer, type VmmLayer } from './pod-image/vmm-layer.ts';

export interface PackRequest extends Pick<Build, 'bundle' | 'image'> {
  readonly hasVariables: boolean;
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
  /** The layer with the VMM, where it is already being made. */
  readonly vmm?: Promise<VmmLayer> | null | undefined;
}

/** Begins the layer with the VMM, for an engine that has one. Its failure is thrown where it is used. */
export function beginVmmLayer(
  target: KubernetesTarget,
  context: DeployContext,
  signal: AbortSignal,
): Promise<VmmLayer> | null {
  if (runtimeClassOf(target) !== null || usesKubevirt(target)) return null;
  const vmm = makeVmmLayer(context.layout, context.supervisorPath, signal);
  vmm.catch(() => undefined);
  return vmm;
}

/** When a target's engine gives a function its variables and arguments. */
export const givesAtStart = (target: Pick<KubernetesTarget, 'engine'>): GivesAtStart => {
  if (usesKubevirt(target) || usesUrunc(target)) return 'never';
  return runtimeClassOf(target) === null ? 'beforeCall' : 'beforeLoad';
};

/** What `packImage` does, for a person who waits. */
export function describePacking(target: KubernetesTarget): string {
  if (usesKubevirt(target)) return 'Packing it for a virtual machine';
  if (usesUrunc(target)) return 'Packing its kernel';
  return runtimeClassOf(target) === null ? 'Packing it with its virtual machine' : 'Packing it as a container';
}

/** The image of a function for a target's engine. Errors: as `makePodImage`, `makeContainerImage`, `makeUruncImage` and `makeVmImage`. */
export async function packImage(
  target: Pick<KubernetesTarget, 'engine'>,
  context: DeployContext,
  request: PackRequest,
): Promise<PodImage> {
  const { bundle, image, vmm } = request;
  const runtime = context.runtimes.get(image.runtime);
  if (runtime === undefined) throw new FirstlightError('INTERNAL', `There is no runtime ${image.runtime}.`);
  // The layer with the VMM begins with this.
  if (vmm === undefined || vmm === null) await sweepLayers(context.layout);
  if (usesUrunc(target)) return await makeUruncImage({ ...context, ...request, runtime, config: bundle.config });
  if (runtimeClassOf(target) !== null) return await makeContainerImage({ ...context, ...request, runtime });
  if (usesKubevirt(target)) return await makeVmImage({ ...context, ...request, runtime });
  return await makePodImage({ ...context, ...request, runtime, config: bundle.config, vmm: vmm ?? undefined });
}

/** Checks that the cluster has the RuntimeClass of a target's engine. Errors: NOT_FOUND. */
export async function checkEngine(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const { target } = cluster;
  const name = runtimeClassOf(target);
  if (name === null) return;
  if ((await findRuntimeClass(cluster, name, signal)) !== null) return;
  throw new FirstlightError('NOT_FOUND', `The cluster of ${target.name} has no RuntimeClass "${name}".`, {
    hint: 'kubectl get runtimeclasses',
    details: { subject: name },
  });
}
