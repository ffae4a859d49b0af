import type { ProjectConfig } from '#shared/model/project.ts';

/** What an instance has that no second one can have beside it. Volumes must also be left in good order. */
export const holdKinds = ['nothing', 'ports', 'volumes'] as const;
export type Holds = (typeof holdKinds)[number];

/** What an instance of this configuration will hold. */
export function holdsOf({ runtime, nanos }: ProjectConfig): Holds {
  if (runtime !== 'nanos' || nanos === undefined) return 'nothing';
  if (Object.keys(nanos.volumes).length > 0) return 'volumes';
  const isFixed = nanos.hostPort !== undefined || nanos.ports.some(({ host, udp }) => host !== undefined || udp);
  return isFixed || nanos.network.kind !== 'user' ? 'ports' : 'nothing';
}
