import type { ProjectConfig } from '#shared/model/project.ts';

/** The kinds of resource that only one instance at a time can use. Volumes must also be unmounted cleanly. */
export const exclusiveResources = ['none', 'ports', 'volumes'] as const;
export type ExclusiveResource = (typeof exclusiveResources)[number];

/** The exclusive resource that an instance of this configuration uses. */
export function exclusiveResourceOf({ runtime, nanos }: ProjectConfig): ExclusiveResource {
  if (runtime !== 'nanos' || nanos === undefined) return 'none';
  if (Object.keys(nanos.volumes).length > 0) return 'volumes';
  const isFixed = nanos.hostPort !== undefined || nanos.ports.some(({ host, udp }) => host !== undefined || udp);
  return isFixed || nanos.network.kind !== 'user' ? 'ports' : 'none';
}
