import type { ExclusiveResource } from '#core/runtime/machines.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { nanosConfigOf } from './options.ts';

/** The exclusive resource that an instance of this configuration uses. */
export function exclusiveResourceOf(config: ProjectConfig): ExclusiveResource {
  const { hostPort, ports, volumes } = config;
  if (Object.keys(volumes).length > 0) return 'volumes';
  const isFixed = hostPort !== undefined || ports.some(({ host, udp }) => host !== undefined || udp);
  return isFixed || nanosConfigOf(config).network.kind !== 'user' ? 'ports' : 'none';
}
