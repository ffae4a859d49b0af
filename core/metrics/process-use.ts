import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The resources that a process has used. Units: `cpuNs` of its present threads; `memoryBytes` is resident memory. */
export interface ProcessUse {
  readonly cpuNs: number;
  readonly memoryBytes: number;
}

/** The page size of x86-64, in which the kernel counts. */
const pageBytes = 4096;

/**
 * The id of the QEMU process of a domain on this host; null when it cannot be told: libvirt is elsewhere, or hides it.
 *
 * Source: libvirt writes the id into `<name>.pid` in its state directory, which is another one for each kind of daemon;
 * the process's own command line has the last word, since such a file may be stale.
 */
export function findQemu(domainName: string, env: NodeJS.ProcessEnv = process.env): number | null {
  const dirs = [
    '/run/libvirt/qemu',
    join(env.XDG_RUNTIME_DIR || '/nonexistent', 'libvirt/qemu/run'),
    join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'libvirt/qemu/run'),
  ];
  for (const dir of dirs) {
    const pid = Number(read(join(dir, `${domainName}.pid`)));
    if (pid > 0 && read(`/proc/${pid}/cmdline`)?.includes(`guest=${domainName},`)) return pid;
  }
  return null;
}

/**
 * What a process has used, without asking anybody: about 0.2 ms. Null when it is gone or may not be looked at.
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
    // Not there, or not ours to read: the caller has another way.
    return null;
  }
}
