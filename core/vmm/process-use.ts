import { readdirSync, readFileSync } from 'node:fs';

/** The resources that a process has used. Units: `cpuNs` of its present threads; `memoryBytes` is resident memory. */
export interface ProcessUse {
  readonly cpuNs: number;
  readonly memoryBytes: number;
}

/** The page size of x86-64, in which the kernel counts. */
const pageBytes = 4096;

/**
 * The resources that a process has used, read from /proc in about 0.2 ms. Null when it is gone or not readable.
 *
 * Source: `schedstat` of each thread counts nanoseconds, while `/proc/<pid>/stat` counts hundredths of a second, which
 * is most of a prestarted start. The kernel books a running thread at its tick: `cpuNs` may be 4 ms behind.
 */
export function readProcessUse(pid: number): ProcessUse | null {
  const pages = Number(read(`/proc/${pid}/statm`)?.split(' ')[1]);
  const times = threadsOf(pid).map((thread) =>
    Number.parseInt(read(`/proc/${pid}/task/${thread}/schedstat`) ?? '', 10),
  );
  // A thread may end while its siblings are read.
  const counted = times.filter((timeNs) => !Number.isNaN(timeNs));
  if (!(pages > 0) || counted.length === 0) return null;
  return { cpuNs: counted.reduce((sum, timeNs) => sum + timeNs, 0), memoryBytes: pages * pageBytes };
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    // It has ended.
    return [];
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // The process has ended, or another user owns it: the VMM's statistics are used instead.
    return null;
  }
}
