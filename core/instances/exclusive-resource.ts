import { type ProjectConfig, runtimeTraits } from '#shared/model/project.ts';

/** The kinds of resource that only one instance at a time can use. Volumes must also be unmounted cleanly. */
export const exclusiveResources = ['none', 'ports', 'volumes'] as const;
export type ExclusiveResource = (typeof exclusiveResources)[number];

/** The exclusive resource that an instance of this configuration uses. */
export function exclusiveResourceOf({ runtime, hostPort, ports, volumes, nanos }: ProjectConfig): ExclusiveResource {
  if (!runtimeTraits[runtime].runsPrograms) return 'none';
  if (Object.keys(volumes).length > 0) return 'volumes';
  const isFixed = hostPort !== undefined || ports.some(({ host, udp }) => host !== undefined || udp);
  return isFixed || (nanos !== undefined && nanos.network.kind !== 'user') ? 'ports' : 'none';
}
