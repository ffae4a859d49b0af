import type { ExclusiveResource } from '#core/runtime/machines.ts';
import type { ProjectConfig } from '#shared/model/project.ts';

/** The exclusive resource that an instance of this configuration uses. */
export function exclusiveResourceOf({ hostPort, ports, volumes, nanos }: ProjectConfig): ExclusiveResource {
  if (Object.keys(volumes).length > 0) return 'volumes';
  const isFixed = hostPort !== undefined || ports.some(({ host, udp }) => host !== undefined || udp);
  return isFixed || (nanos !== undefined && nanos.network.kind !== 'user') ? 'ports' : 'none';
}
