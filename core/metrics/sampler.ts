import type { LibvirtLink } from '#core/libvirt/libvirt-link.ts';
import type { MetricSample, MetricSummary } from '#shared/model/metrics.ts';
import { bytes, hostNs, type InstanceId } from '#shared/model/units.ts';
import type { LiveInstance } from '../instances/live-instance.ts';
import { readStats, toEpochMs } from './read-stats.ts';

export interface SamplerOptions {
  readonly link: LibvirtLink;
  /** The instances there are now. */
  readonly live: () => readonly LiveInstance[];
  readonly onSamples: (samples: MetricSample[]) => void;
}

/** Takes samples of all instances in one round trip each time, and keeps the last minutes. */
export interface Sampler {
  /** Oldest first. */
  readonly recent: (id: InstanceId) => MetricSample[];
  /** Takes one sample of these now. Gives an empty list when libvirt cannot tell: a graph is no reason to fail. */
  readonly sampleNow: (instances: readonly LiveInstance[]) => Promise<MetricSample[]>;
  readonly forget: (id: InstanceId) => void;
  readonly close: () => void;
}

/** A graph that moves, at a cost that is not seen: a round trip takes about a millisecond. */
const periodMs = 1_000;
const keptMs = 5 * 60_000;

export function createSampler({ link, live, onSamples }: SamplerOptions): Sampler {
  const rings = new Map<InstanceId, MetricSample[]>();
  let sampling = false;

  async function sampleNow(instances: readonly LiveInstance[]): Promise<MetricSample[]> {
    if (instances.length === 0 || link.state !== 'connected') return [];
    const byUuid = new Map(instances.map((instance) => [instance.domain.uuid, instance.record.id]));
    try {
      const connection = await link.connection();
      const stats = await connection.getAllDomainStats({
        cpu: true,
        balloon: true,
        interface: true,
        block: true,
        // Another call may hold a domain for long, as its creation does.
        nowait: true,
        domains: instances.map((instance) => instance.domain),
      });
      const samples: MetricSample[] = [];
      for (const one of stats) {
        const id = byUuid.get(one.domain.uuid);
        if (id === undefined) continue;
        const sample = readStats(id, one, toEpochMs(hostNs(Number(one.receivedAtNs))));
        samples.push(sample);
        keep(sample);
      }
      if (samples.length > 0) onSamples(samples);
      return samples;
    } catch {
      // The link itself says when it is lost; a domain that ended meanwhile has no statistics.
      return [];
    }
  }

  function keep(sample: MetricSample): void {
    const ring = rings.get(sample.instanceId) ?? [];
    rings.set(sample.instanceId, ring);
    ring.push(sample);
    const oldest = sample.atMs - keptMs;
    if ((ring[0]?.atMs ?? 0) >= oldest) return;
    const first = ring.findIndex((kept) => kept.atMs >= oldest);
    ring.splice(0, first);
  }

  const timer = setInterval(async () => {
    if (sampling) return;
    sampling = true;
    await sampleNow(live().filter((instance) => instance.state !== 'prestarted'));
    sampling = false;
  }, periodMs);
  // Sampling alone is no reason for a program to stay.
  timer.unref();

  return {
    recent: (id) => [...(rings.get(id) ?? [])],
    sampleNow,
    forget: (id) => rings.delete(id),
    close: () => clearInterval(timer),
  };
}

/** What a run used, by the samples from its start to its answer; null when there were none. */
export function summarize(samples: readonly MetricSample[]): MetricSummary | null {
  const last = samples.at(-1);
  if (last === undefined) return null;
  return {
    cpuMs: last.cpuNs / 1e6,
    peakMemoryBytes: bytes(Math.max(...samples.map((sample) => sample.memoryBytes))),
    diskReadBytes: last.diskReadBytes,
    diskWriteBytes: last.diskWriteBytes,
    netReceiveBytes: last.netReceiveBytes,
    netTransmitBytes: last.netTransmitBytes,
  };
}
