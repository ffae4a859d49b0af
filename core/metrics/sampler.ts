import type { Domain } from 'node-libvirt';
import { hostNow } from '#core/store/host-clock.ts';
import type { LibvirtLink } from '#core/vmm/libvirt/libvirt-link.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { MetricSample, MetricSummary } from '#shared/model/metrics.ts';
import { bytes, hostNs, type InstanceId } from '#shared/model/units.ts';
import { findQemu, readProcessUse } from './process-use.ts';
import { readStats, toEpochMs } from './read-stats.ts';

/** The instance to sample: one that runs as a libvirt domain. */
export interface SampledInstance {
  readonly domain: Domain;
  readonly record: { readonly id: InstanceId };
  readonly state: Instance['state'];
}

export interface SamplerOptions {
  readonly link: LibvirtLink;
  /** The instances there are now. */
  readonly live: () => readonly SampledInstance[];
  readonly onSamples: (samples: MetricSample[]) => void;
}

/** Takes samples of all instances in one round trip each time, and keeps the last minutes. */
export interface Sampler {
  /** Oldest first. */
  readonly recent: (id: InstanceId) => MetricSample[];
  /** Follows an instance closely from now on: from when its domain is asked for, or resumed, until it has answered. */
  readonly follow: (id: InstanceId, domainName: string) => Following;
  readonly forget: (id: InstanceId) => void;
  readonly close: () => void;
}

/** An instance that is followed closely. */
export interface Following {
  /** Takes one more sample, at once where QEMU's process can be looked at. */
  readonly sample: () => Promise<void>;
  /** Ends it, and gives every sample of the instance so far, oldest first. */
  readonly stop: () => MetricSample[];
}

/** A graph that moves, at a cost that is not seen: a round trip takes about a millisecond. */
const periodMs = 1_000;
const keptMs = 5 * 60_000;
/**
 * While an instance boots; a sample takes 0.2 ms. Measured on two emulated cores, 12 starts of each in turn, medians cold
 * and prestarted in ms: no samples 426 and 29.0, every 20 ms 415 and 28.3, every 10 ms 405 and 27.4, every 5 ms 421 and
 * 34.4. Shorter stretches would also say less, as the kernel books the time of a running thread by ticks of 4 ms.
 */
const followPeriodMs = 10;
/**
 * While libvirt makes the domain, which takes most of a cold start and moves less. Rounds of 14, 14 and 18 cold starts of
 * each in turn, medians in ms: without 395, 492 and 423; every 20 ms 397, 447 and 384; every 10 ms 455 and 458. The
 * machine was shared: the fastest of each are within 3 ms in the first and the last round.
 */
const createPeriodMs = 20;
/** Between looks at the counters of disk and net of what is followed: only libvirt has them, at a millisecond each time. */
const devicesPeriodMs = 100;
/** The pause as a share of the time so far: a start of a minute has some 500 samples, and not 6,000. */
const followShare = 0.01;

export function createSampler({ link, live, onSamples }: SamplerOptions): Sampler {
  const rings = new Map<InstanceId, MetricSample[]>();
  /** Kept and not yet told: while something boots, nobody is woken for each of its samples. */
  let untold: MetricSample[] = [];
  /** Instances that are looked at closely, with their processes as far as these are known. */
  const followed = new Map<InstanceId, number | null>();
  let sampling = false;

  async function sampleAll(instances: readonly SampledInstance[]): Promise<void> {
    if (instances.length === 0 || link.state !== 'connected') return;
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
      for (const one of stats) {
        const id = byUuid.get(one.domain.uuid);
        if (id === undefined) continue;
        const sample = readStats(id, one, toEpochMs(hostNs(Number(one.receivedAtNs))));
        // Its process has ended: what libvirt then says of its CPU was seen to be anything.
        if (sample.memoryBytes === 0) continue;
        keep(followed.has(id) ? { ...sample, ...processUse(followed.get(id) ?? null) } : sample);
      }
    } catch {
      // The link itself says when it is lost; a domain that ended meanwhile has no statistics.
    }
  }

  /** By QEMU's process. The counters of devices stay as libvirt last told them. */
  function sampleProcess(id: InstanceId, pid: number): boolean {
    const use = readProcessUse(pid);
    if (use === null) return false;
    const none = bytes(0);
    const devices = { diskReadBytes: none, diskWriteBytes: none, netReceiveBytes: none, netTransmitBytes: none };
    const { cpuNs, memoryBytes } = use;
    const atMs = toEpochMs(hostNow());
    const last = rings.get(id)?.at(-1);
    const devicesAtMs = last === undefined ? atMs : (last.devicesAtMs ?? last.atMs);
    keep({ ...devices, ...last, instanceId: id, atMs, devicesAtMs, cpuNs, memoryBytes: bytes(memoryBytes) });
    return true;
  }

  /**
   * What the process says, in place of what libvirt says of it: the two count threads that have ended otherwise, and a
   * counter made of both would jump.
   */
  function processUse(pid: number | null): Pick<MetricSample, 'cpuNs' | 'memoryBytes'> | null {
    const use = pid === null ? null : readProcessUse(pid);
    return use === null ? null : { cpuNs: use.cpuNs, memoryBytes: bytes(use.memoryBytes) };
  }

  function keep(sample: MetricSample): void {
    const ring = rings.get(sample.instanceId) ?? [];
    rings.set(sample.instanceId, ring);
    const last = ring.at(-1);
    if (last !== undefined && last.atMs > sample.atMs) return;
    // libvirt counts hundredths of a second, and a thread that ended is counted no more: a counter never falls.
    const kept = { ...sample, cpuNs: Math.max(sample.cpuNs, last?.cpuNs ?? 0) };
    ring.push(kept);
    untold.push(kept);
    const oldest = sample.atMs - keptMs;
    if ((ring[0]?.atMs ?? 0) >= oldest) return;
    const first = ring.findIndex((one) => one.atMs >= oldest);
    ring.splice(0, first);
  }

  function tell(): void {
    const samples = untold;
    untold = [];
    if (samples.length > 0) onSamples(samples);
  }

  function follow(id: InstanceId, domainName: string): Following {
    const startedMs = performance.now();
    let pid: number | null = null;
    let timer: NodeJS.Timeout | null = null;
    let stopped = false;
    let devicesSeenMs = startedMs;
    const isIt = ({ record }: SampledInstance) => record.id === id;

    const sample = async () => {
      // While libvirt makes the domain, its process is there before libvirt has said so.
      pid ??= findQemu(domainName);
      followed.set(id, pid);
      if (pid === null || !sampleProcess(id, pid)) return await sampleAll(live().filter(isIt));
      if (performance.now() - devicesSeenMs < devicesPeriodMs) return;
      devicesSeenMs = performance.now();
      void sampleAll(live().filter(isIt));
    };
    const sampleOn = async () => {
      await sample();
      if (stopped) return;
      const shortestMs = live().some(isIt) ? followPeriodMs : createPeriodMs;
      const nextMs = Math.max(shortestMs, (performance.now() - startedMs) * followShare);
      timer = setTimeout(sampleOn, nextMs).unref();
    };
    void sampleOn();
    return {
      sample,
      stop: () => {
        stopped = true;
        followed.delete(id);
        if (timer !== null) clearTimeout(timer);
        tell();
        return recent(id);
      },
    };
  }

  const recent = (id: InstanceId) => [...(rings.get(id) ?? [])];
  /** One that waits paused does nothing: a single sample says what it holds. */
  const isDue = ({ state, record }: SampledInstance) => state !== 'prestarted' || !rings.has(record.id);

  const timer = setInterval(async () => {
    if (sampling) return;
    sampling = true;
    await sampleAll(live().filter(isDue));
    tell();
    sampling = false;
  }, periodMs);
  // Sampling alone is no reason for a program to stay.
  timer.unref();

  return { recent, follow, forget: (id) => rings.delete(id), close: () => clearInterval(timer) };
}

/** The resources of a run, by the samples up to its answer; null without samples. */
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
