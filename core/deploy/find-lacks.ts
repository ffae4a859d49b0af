import { type KubernetesTarget, runtimeClassOf, usesKubevirt } from '#shared/model/deploy.ts';
import type { Image } from '#shared/model/image.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { DeployContext } from './deploy-context.ts';

/** The options of a function that have no effect on this cluster. Shape: as `describeLacks` of a runtime. */
export function findLacks(
  target: KubernetesTarget,
  { runtimes }: Pick<DeployContext, 'runtimes'>,
  { config, image }: { readonly config: ProjectConfig; readonly image: Pick<Image, 'runtime'> },
): readonly string[] {
  // An ordinary container has the network of its pod.
  if (runtimeClassOf(target) !== null) return [];
  return runtimes.get(image.runtime)?.describeLacks?.(config, usesKubevirt(target) ? 'alone' : 'pod') ?? [];
}
