import { type DomainStats, listOf, type ParamValue } from 'node-libvirt';
import { hostNs } from '#shared/model/units.ts';
import type { MachineStats, RunningMachine } from '../vmm.ts';

/**
 * The counters of one machine, from libvirt's statistics of its domain.
 *
 * Source: `balloon.rss` is the resident size of the QEMU process, which libvirt reads from /proc: it exists without a
 * balloon device too.
 */
export function readStats(
  machine: RunningMachine,
  { params, receivedAtNs }: Pick<DomainStats, 'params' | 'receivedAtNs'>,
): MachineStats {
  const disks = listOf(params, 'block');
  const networks = listOf(params, 'net');
  return {
    machine,
    atNs: hostNs(Number(receivedAtNs)),
    cpuNs: numberOf(params['cpu.time']),
    memoryBytes: numberOf(params['balloon.rss']) * 1024,
    diskReadBytes: sum(disks, 'rd.bytes'),
    diskWriteBytes: sum(disks, 'wr.bytes'),
    netReceiveBytes: sum(networks, 'rx.bytes'),
    netTransmitBytes: sum(networks, 'tx.bytes'),
  };
}

const sum = (devices: readonly Record<string, ParamValue>[], field: string): number =>
  devices.reduce((total, device) => total + numberOf(device[field]), 0);

const numberOf = (value: ParamValue | undefined): number => (typeof value === 'number' ? value : 0);
