import { setTimeout as sleep } from 'node:timers/promises';
import { formatByteRate, formatBytes, formatPercent } from '#shared/format.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { MetricSample } from '#shared/model/metrics.ts';
import { findInstance, listKnown } from '../find.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

/** Rates need two samples; the engine takes at least one each second. */
const firstSamplesMs = 3000;
const refreshMs = 1000;

/** The resources of an instance between two samples. Units: percent of one CPU; bytes; bytes per second. */
interface Usage {
  readonly instanceId: string;
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  /** Null where the guest reports none. */
  readonly heapUsedBytes: number | null;
  readonly heapLimitBytes: number | null;
  readonly diskReadPerSecond: number;
  readonly diskWritePerSecond: number;
  readonly netReceivePerSecond: number;
  readonly netTransmitPerSecond: number;
}

/** Prints the resource use of instances, once or until Ctrl-C. */
export async function showStats(
  session: Session,
  name: string | undefined,
  options: { watch?: boolean },
): Promise<number> {
  const samples = new Map<string, MetricSample[]>();
  const take = (sample: MetricSample) => {
    const taken = samples.get(sample.instanceId) ?? [];
    samples.set(sample.instanceId, [...taken, sample].slice(-2));
  };
  session.client.subscribe('metrics:sampled', (event) => event.samples.forEach(take));
  let exitCode = 0;
  const list = async (): Promise<readonly Instance[]> => {
    const known = name === undefined ? await listKnown(session) : null;
    exitCode = known?.exitCode ?? 0;
    const instances = known?.instances ?? [await findInstance(session, name ?? '')];
    return instances.filter((instance) => instance.state !== 'stopped' && instance.state !== 'failed');
  };

  const instances = await list();
  for (const { id } of instances) (await session.call('metrics:recent', { instanceId: id })).forEach(take);
  const isComplete = () => instances.every(({ id }) => samples.get(id)?.length === 2);
  const deadline = performance.now() + firstSamplesMs;
  while (!isComplete() && performance.now() < deadline && !session.signal.aborted) await pause(session, 50);

  print(session, instances, samples);
  while (options.watch && !session.signal.aborted) {
    await pause(session, refreshMs);
    if (session.signal.aborted) break;
    print(session, await list(), samples, true);
  }
  return exitCode;
}

function print(
  session: Session,
  instances: readonly Instance[],
  samples: ReadonlyMap<string, readonly MetricSample[]>,
  again = false,
): void {
  const usages = instances.map(({ id }) => readUsage(id, samples.get(id) ?? []));
  session.printJson(usages);
  // On a terminal the table is redrawn in place; in a pipe each table follows the previous one.
  const clear = again && session.io.stdout.isTTY ? '\x1b[H\x1b[J' : '';
  session.print(clear + (usages.length === 0 ? 'Nothing runs.\n' : renderUsages(usages, session)));
}

function readUsage(instanceId: string, [earlier, later]: readonly MetricSample[]): Usage {
  const seconds = earlier && later ? (later.atMs - earlier.atMs) / 1000 : 0;
  const perSecond = (counter: (sample: MetricSample) => number) =>
    earlier && later && seconds > 0 ? Math.max(0, (counter(later) - counter(earlier)) / seconds) : 0;
  return {
    instanceId,
    cpuPercent: perSecond((sample) => sample.cpuNs) / 1e7,
    memoryBytes: (later ?? earlier)?.memoryBytes ?? 0,
    heapUsedBytes: (later ?? earlier)?.heapUsedBytes ?? null,
    heapLimitBytes: (later ?? earlier)?.heapLimitBytes ?? null,
    diskReadPerSecond: perSecond((sample) => sample.diskReadBytes),
    diskWritePerSecond: perSecond((sample) => sample.diskWriteBytes),
    netReceivePerSecond: perSecond((sample) => sample.netReceiveBytes),
    netTransmitPerSecond: perSecond((sample) => sample.netTransmitBytes),
  };
}

function renderUsages(usages: readonly Usage[], session: Session): string {
  const rows = usages.map((usage) => [
    usage.instanceId,
    formatPercent(usage.cpuPercent / 100),
    formatBytes(usage.memoryBytes),
    renderHeap(usage),
    formatByteRate(usage.diskReadPerSecond),
    formatByteRate(usage.diskWritePerSecond),
    formatByteRate(usage.netReceivePerSecond),
    formatByteRate(usage.netTransmitPerSecond),
  ]);
  const headings = ['INSTANCE', '>CPU', '>MEMORY', '>HEAP', '>DISK READ', '>DISK WRITE', '>NET IN', '>NET OUT'];
  return renderTable(headings, rows, session.style);
}

const renderHeap = ({ heapUsedBytes, heapLimitBytes }: Usage): string =>
  heapUsedBytes === null
    ? '–'
    : `${formatBytes(heapUsedBytes)}${heapLimitBytes === null ? '' : ` of ${formatBytes(heapLimitBytes)}`}`;

/** Waits; Ctrl-C ends the wait at once. */
const pause = (session: Session, ms: number) => sleep(ms, undefined, { signal: session.signal }).catch(() => undefined);
