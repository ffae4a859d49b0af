/** Many instances at once: the memory of each, and the cost of a start as their number grows. */
import { readFileSync } from 'node:fs';
import { findFirecracker, firecrackerHostName } from '#core/vmm/firecracker/find-firecracker.ts';
import { fromWireError } from '#shared/errors.ts';
import { quantile } from '#shared/statistics/statistics.ts';
import { processesOf } from '../soak/processes.ts';
import { round } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { openStudio, type Studio } from './studio.ts';

/** Starts are summed up in groups of this part of all. */
const groups = 10;

/**
 * Starts `runs` instances of `hello`, cold, one after another, and lets all of them run: under libvirt, then in
 * Firecracker where it is. Every instance is called once more at the end.
 *
 * Units: `startMs` from click to response; `memoryMiB` of each VMM's process, with its share of shared pages (PSS).
 */
export async function benchCrowd({ runs = 100, log }: BenchOptions) {
  const hasFirecracker = (await findFirecracker({ get: async () => ({}) }, process.env)) !== null;
  const results: Record<string, unknown> = {};
  for (const host of [undefined, ...(hasFirecracker ? [firecrackerHostName] : [])]) {
    const studio = await openStudio();
    try {
      results[host ?? 'libvirt'] = await fill(studio, host, runs, log);
    } finally {
      await studio.close();
    }
  }
  return { instances: runs, ...results };
}

async function fill(studio: Studio, host: string | undefined, count: number, log: BenchOptions['log']) {
  const { id: projectId } = await studio.createProject('crowd');
  const place = host === undefined ? {} : { host };
  const start = async () => {
    const request = { projectId, startMode: 'cold', lifetime: 'session', ...place } as const;
    const { error, instance, timeline } = await studio.client.call('instances:run', request);
    if (error !== null) throw fromWireError(error);
    if (instance === null || timeline === null) throw new Error('A start left no instance.');
    return { id: instance.id, ms: timeline.totalNs / 1e6 };
  };
  // Fills the caches, and finds the accelerator.
  await studio.removeInstance((await start()).id);
  const started: { readonly id: Awaited<ReturnType<typeof start>>['id']; readonly ms: number }[] = [];
  const size = Math.max(1, Math.ceil(count / groups));
  const growth: { readonly upTo: number; readonly startMs: number; readonly memoryMiB: number }[] = [];
  while (started.length < count) {
    started.push(await start());
    if (started.length % size !== 0 && started.length < count) continue;
    const last = started.slice(-size).map(({ ms }) => ms);
    const memory = quantile(memoriesMiB(studio.home), 0.5);
    growth.push({ upTo: started.length, startMs: round(quantile(last, 0.5)), memoryMiB: round(memory) });
    log(`${host ?? 'libvirt'} ${started.length}/${count}`);
  }
  const memories = memoriesMiB(studio.home);
  for (const { id } of started) {
    const { error } = await studio.client.call('instances:invoke', { instanceId: id, event: {} });
    if (error !== null) throw fromWireError(error);
  }
  return {
    growth,
    processes: memories.length,
    memoryMiB: { median: round(quantile(memories, 0.5)), max: round(Math.max(...memories)) },
    answeredAtTheEnd: started.length,
  };
}

/** The memory of each VMM's process. Source: proc(5), smaps_rollup. */
function memoriesMiB(home: string): number[] {
  return processesOf(home)
    .filter(({ command }) => /^\S*(qemu-system|firecracker)/.test(command))
    .map(
      ({ pid }) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024,
    );
}
