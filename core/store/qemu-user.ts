import { readFileSync } from 'node:fs';
import { systemCode } from './store-error.ts';

/** The user that libvirt's system daemon runs QEMU as. */
export interface QemuUser {
  readonly uid: number;
  readonly gid: number;
}

/** Debian, Ubuntu, Arch; Fedora, openSUSE. */
const names = ['libvirt-qemu', 'qemu'];

/**
 * The user of this system that QEMU runs as when root has it started; null where there is no such user, as without
 * libvirt's packages. Shape: `uid` is this process's own.
 */
export function findQemuUser(uid: number, etc = '/etc'): QemuUser | null {
  if (uid !== 0) return null;
  for (const name of names) {
    const user = entryOf(`${etc}/passwd`, name);
    if (user === null) continue;
    // Debian's group of that name is QEMU's alone; the user's first group is one of people, too.
    const group = entryOf(`${etc}/group`, name);
    return { uid: Number(user[2]), gid: Number(group === null ? user[3] : group[2]) };
  }
  return null;
}

/** The fields of one line. Source: passwd(5), group(5). */
function entryOf(path: string, name: string): string[] | null {
  const line = read(path)
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  return line?.split(':') ?? null;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return '';
    throw thrown;
  }
}
