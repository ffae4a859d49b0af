import { type DomainStats, listOf, type ParamValue } from 'node-libvirt';
import type { MetricSample } from '#shared/model/metrics.ts';
import { bytes, type HostNs, type InstanceId } from '#shared/model/units.ts';

/**
 * The counters of one instance out of libvirt's statistics of its domain.
 *
 * Source: `balloon.rss` is the resident size of the QEMU process, which libvirt reads from /proc: it is there without a
 * balloon device too.
 */
export function readStats(instanceId: InstanceId, stats: Pick<DomainStats, 'params'>, atMs: number): MetricSample {
  const { params } = stats;
  return {
    instanceId,
    atMs,
    cpuNs: numberOf(params['cpu.time']),
    memoryBytes: bytes(numberOf(params['balloon.rss']) * 1024),
    diskReadBytes: bytes(sum(listOf(params, 'block'), 'rd.bytes')),
    diskWriteBytes: bytes(sum(listOf(params, 'block'), 'wr.bytes')),
    netReceiveBytes: bytes(sum(listOf(params, 'net'), 'rx.bytes')),
    netTransmitBytes: bytes(sum(listOf(params, 'net'), 'tx.bytes')),
  };
}

const sum = (devices: readonly Record<string, ParamValue>[], field: string): number =>
  devices.reduce((total, device) => total + numberOf(device[field]), 0);

const numberOf = (value: ParamValue | undefined): number => (typeof value === 'number' ? value : 0);

// Taken once: the wall clock may jump later, and samples must not.
const epochOffsetMs = performance.timeOrigin + performance.now() - Number(process.hrtime.bigint()) / 1e6;

/** An instant of the monotonic clock on the scale of `MetricSample.atMs`. */
export function toEpochMs(at: HostNs): number {
  return epochOffsetMs + at / 1e6;
}
