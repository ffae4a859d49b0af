import { setTimeout as sleep } from 'node:timers/promises';
import { withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import type { ReplicaStats } from '#shared/model/deploy.ts';
import type { Fleet } from './fleet.ts';
import { type Instance, requireInstances } from './instances.ts';

/** libvirt counts processor time: its use is that of this long. Units: ms. */
const spanMs = 1000;

/** The resources of each instance in service on the hosts that can be reached. Errors: NOT_FOUND; LIBVIRT_*; CANCELLED. */
export async function readHostStats(fleet: Fleet, name: string, signal: AbortSignal): Promise<ReplicaStats[]> {
  const instances = (await requireInstances(fleet, name)).filter(({ isInService }) => isInService);
  const before = await Promise.all(instances.map(readCounters));
  await sleep(spanMs, undefined, { signal });
  const after = await Promise.all(instances.map(readCounters));
  return instances.map(({ host, domain, state }, index) => {
    const [first, last] = [before[index], after[index]];
    const isUp = state === 'running' && first !== null && first !== undefined && last !== null && last !== undefined;
    return {
      name: domain.name,
      place: host.label,
      cpuPercent: isUp ? (100 * (last.cpuNs - first.cpuNs)) / (last.atNs - first.atNs) : null,
      memoryBytes: isUp ? last.memoryBytes : null,
      restarts: null,
      source: 'libvirt',
    };
  });
}

/** Null for an instance that is gone. Units: ns; bytes. */
async function readCounters({ host, domain }: Instance) {
  const [stats] = await withLibvirtErrors(`read what ${domain.name} uses`, () =>
    host.connection.getAllDomainStats({ cpu: true, balloon: true, domains: [domain] }),
  );
  if (stats === undefined) return null;
  const { params, receivedAtNs } = stats;
  const numberOf = (field: string) => Number(params[field] ?? 0);
  return { atNs: Number(receivedAtNs), cpuNs: numberOf('cpu.time'), memoryBytes: numberOf('balloon.rss') * 1024 };
}
