import { hostNow } from '#core/store/host-clock.ts';
import { readProcessUse } from '#core/vmm/process-use.ts';
import type { MachineStats, RunningMachine, Vmm } from '#core/vmm/vmm.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { HeapUse, MetricSample, MetricSummary } from '#shared/model/metrics.ts';
import { bytes, type InstanceId } from '#shared/model/units.ts';
import { toEpochMs } from './epoch-ms.ts';

/** The instance to sample: a machine on a host. */
export interface SampledInstance {
  readonly machine: RunningMachine;
  readonly host: { readonly vmm: Vmm };
  readonly record: { readonly id: InstanceId };
  readonly state: Instance['state'];
  readonly heap: HeapUse | null;
}

export interface SamplerOptions {
  /** The instances there are now. */
  readonly live: () => readonly SampledInstance[];
  readonly onSamples: (samples: MetricSample[]) => void;
}

/** Samples of all instances, taken in one round trip for each host, and kept for the last minutes. */
export interface Sampler {
  /** Oldest first. */
  readonly recent: (id: InstanceId) => MetricSample[];
  /** Follows an instance closely from now on: from when its machine is requested, or resumed, until it has answered. */
  readonly follow: (id: InstanceId, machineName: string, vmm: Vmm) => Following;
  readonly forget: (id: InstanceId) => void;
  readonly close: () => void;
}

/** An instance that is followed closely. */
export interface Following {
  /** Takes one more sample, at once where the VMM's process is on this machine. */
  readonly sample: () => Promise<void>;
  /** Ends it, and returns every sample of the instance so far, oldest first. */
  readonly stop: () => MetricSample[];
}

/** Short enough for a moving graph; a round trip takes about a millisecond. */
const periodMs = 1_000;
const keptMs = 5 * 60_000;
/**
 * While an instance boots; a sample takes 0.2 ms. Measured on two emulated cores, 12 starts of each in turn, medians
 * cold and prestarted in ms: no samples 426 and 29.0, every 20 ms 415 and 28.3, every 10 ms 405 and 27.4, every 5 ms
 * 421 and 34.4. Shorter intervals would also be less exact, as the kernel books the time of a running thread by ticks
 * of 4 ms.
 */
const followPeriodMs = 10;
/**
 * While libvirt creates the domain, which takes most of a cold start and moves less. Rounds of 14, 14 and 18 cold starts of
 * each in turn, medians in ms: without 395, 492 and 423; every 20 ms 397, 447 and 384; every 10 ms 455 and 458. The
 * machine was shared: the fastest of each are within 3 ms in the first and the last round.
 */
const createPeriodMs = 20;
/** Between readings of the disk and network counters of a followed instance: only the VMM has them, at a millisecond each. */
const devicesPeriodMs = 100;
/** The pause as a share of the time so far: a start of a minute has some 500 samples, and not 6,000. */
const followShare = 0.01;

export function createSampler({ live, onSamples }: SamplerOptions): Sampler {
  const rings = new Map<InstanceId, MetricSample[]>();
  /** Kept and not yet announced: while an instance boots, listeners are not called for each of its samples. */
  let unannounced: MetricSample[] = [];
  /** Instances that are followed closely, with their processes as far as these are known. */
  const followed = new Map<InstanceId, number | null>();
  /** Hosts that have not answered yet. They are not asked again until then. */
  const answering = new Set<Vmm>();

  async function sampleHost(vmm: Vmm, instances: readonly SampledInstance[]): Promise<void> {
    if (instances.length === 0 || vmm.state !== 'connected') return;
    const idOf = new Map(instances.map(({ machine, record }) => [machine, record.id]));
    try {
      for (const stats of await vmm.readStats(instances.map(({ machine }) => machine))) {
        const id = idOf.get(stats.machine);
        // Its process has ended: the CPU time that libvirt then reports was seen to be arbitrary.
        if (id === undefined || stats.memoryBytes === 0) continue;
        const sample = toSample(id, stats);
        keep(followed.has(id) ? { ...sample, ...processUse(followed.get(id) ?? null) } : sample);
      }
    } catch {
      // The VMM itself reports a lost connection; a machine that has ended since has no statistics.
    }
  }

  /** A sample of the VMM's process. The counters of devices stay as the VMM last gave them. */
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
   * The process's own counters, in place of libvirt's: the two differ in threads that have ended, and a counter made of both
   * would jump.
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
    // libvirt counts hundredths of a second, and a thread that has ended is not counted: a counter must not fall.
    const kept = { ...sample, cpuNs: Math.max(sample.cpuNs, last?.cpuNs ?? 0), ...heapOf(sample.instanceId) };
    ring.push(kept);
    unannounced.push(kept);
    const oldest = sample.atMs - keptMs;
    if ((ring[0]?.atMs ?? 0) >= oldest) return;
    const first = ring.findIndex((one) => one.atMs >= oldest);
    ring.splice(0, first);
  }

  function heapOf(id: InstanceId): Partial<MetricSample> {
    const heap = live().find(({ record }) => record.id === id)?.heap ?? null;
    if (heap === null) return {};
    return {
      heapUsedBytes: bytes(heap.usedBytes),
      heapClaimedBytes: bytes(heap.claimedBytes),
      ...(heap.limitBytes !== null && { heapLimitBytes: bytes(heap.limitBytes) }),
    };
  }

  function announce(): void {
    const samples = unannounced;
    unannounced = [];
    if (samples.length > 0) onSamples(samples);
  }

  function follow(id: InstanceId, machineName: string, vmm: Vmm): Following {
    const startedMs = performance.now();
    let pid: number | null = null;
    let timer: NodeJS.Timeout | null = null;
    let stopped = false;
    let devicesSeenMs = startedMs;
    const isIt = ({ record }: SampledInstance) => record.id === id;

    const sample = async () => {
      // The process exists before the VMM reports the machine.
      pid ??= vmm.findProcess(machineName);
      followed.set(id, pid);
      if (pid === null || !sampleProcess(id, pid)) return await sampleHost(vmm, live().filter(isIt));
      if (performance.now() - devicesSeenMs < devicesPeriodMs) return;
      devicesSeenMs = performance.now();
      void sampleHost(vmm, live().filter(isIt));
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
        announce();
        return recent(id);
      },
    };
  }

  const recent = (id: InstanceId) => [...(rings.get(id) ?? [])];
  /** An instance that waits for its run does nothing: a single sample is enough. */
  const isDue = ({ state, record }: SampledInstance) =>
    (state !== 'prestarted' && state !== 'prebooted') || !rings.has(record.id);

  const timer = setInterval(() => {
    for (const [vmm, instances] of groupByVmm(live().filter(isDue))) {
      if (answering.has(vmm)) continue;
      answering.add(vmm);
      void sampleHost(vmm, instances).then(() => {
        answering.delete(vmm);
        announce();
      });
    }
  }, periodMs);
  // The timer does not keep a program running.
  timer.unref();

  return { recent, follow, forget: (id) => rings.delete(id), close: () => clearInterval(timer) };
}

function groupByVmm(instances: readonly SampledInstance[]): Map<Vmm, SampledInstance[]> {
  const groups = new Map<Vmm, SampledInstance[]>();
  for (const instance of instances) {
    const { vmm } = instance.host;
    groups.set(vmm, [...(groups.get(vmm) ?? []), instance]);
  }
  return groups;
}

function toSample(instanceId: InstanceId, stats: MachineStats): MetricSample {
  return {
    instanceId,
    atMs: toEpochMs(stats.atNs),
    cpuNs: stats.cpuNs,
    memoryBytes: bytes(stats.memoryBytes),
    diskReadBytes: bytes(stats.diskReadBytes),
    diskWriteBytes: bytes(stats.diskWriteBytes),
    netReceiveBytes: bytes(stats.netReceiveBytes),
    netTransmitBytes: bytes(stats.netTransmitBytes),
  };
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
    ...(last.heapUsedBytes !== undefined && { heapUsedBytes: last.heapUsedBytes }),
    ...(last.heapClaimedBytes !== undefined && { heapClaimedBytes: last.heapClaimedBytes }),
    ...(last.heapLimitBytes !== undefined && { heapLimitBytes: last.heapLimitBytes }),
  };
}
