import { type KubernetesTarget, runtimeClassOf, usesKubevirt, usesUrunc } from '#shared/model/deploy.ts';
import type { Image } from '#shared/model/image.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { DeployContext } from './deploy-context.ts';

/**
 * The options of a function that have no effect on this cluster, and what it reads before the pod gives it: secrets, arguments. Shape: as
 * `describeLacks` of a runtime.
 */
export function findLacks(
  target: KubernetesTarget,
  { runtimes }: Pick<DeployContext, 'runtimes'>,
  {
    config,
    image,
    secrets,
  }: {
    readonly config: ProjectConfig;
    readonly image: Pick<Image, 'runtime' | 'envAtLoad' | 'argsAtLoad'>;
    /** By the names of the guest's variables. */
    readonly secrets: object;
  },
): readonly string[] {
  // An ordinary container has the network of its pod, and its variables and arguments before anything of it runs.
  const isAlone = usesKubevirt(target) || usesUrunc(target);
  if (runtimeClassOf(target) !== null && !isAlone) return [];
  const lacks = runtimes.get(image.runtime)?.describeLacks?.(config, isAlone ? 'alone' : 'pod') ?? [];
  const early = Object.keys(secrets).filter((name) => image.envAtLoad?.includes(name));
  const hasArgs = (config.args ?? []).length > 0;
  return [
    ...lacks,
    ...(!isAlone && hasArgs && image.argsAtLoad
      ? [
          'The module reads process.argv while it loads, so that its arguments are in the image: read them in the handler for "args" of the pod to reach it.',
        ]
      : []),
    ...early.map(
      (name) =>
        `The module reads process.env.${name} while it loads, when the secret is not there yet: read it in the handler.`,
    ),
  ];
}
