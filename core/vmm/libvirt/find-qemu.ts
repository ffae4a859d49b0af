import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The id of the QEMU process of a domain on this machine; null when libvirt is elsewhere, or hides it.
 *
 * Source: libvirt writes the id into `<name>.pid` in its state directory, which differs for each kind of daemon. The
 * process's own command line decides, since such a file may be stale.
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

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // Missing, or unreadable for this user: libvirt's statistics are used instead.
    return null;
  }
}
