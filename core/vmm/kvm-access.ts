import { readFile, stat } from 'node:fs/promises';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';

/** The permissions of /dev/kvm. */
export interface KvmAccess {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** The number of group `kvm`, in which libvirt runs the system's QEMU; null where there is none. */
  readonly kvmGid: number | null;
}

export const kvmPath = '/dev/kvm';
const readWrite = 0o6;

/** The permissions of /dev/kvm, or null when it does not exist. */
export async function readKvmAccess(): Promise<KvmAccess | null> {
  const device = await stat(kvmPath).catch(undefinedIfMissing);
  if (device === undefined) return null;
  const { mode, uid, gid } = device;
  return { mode: mode & 0o777, uid, gid, kvmGid: await groupId('kvm') };
}

/**
 * True when root may use KVM and the user that libvirt runs QEMU as may not.
 *
 * Source: libvirt's own probe runs as root and sees KVM; its later check runs as QEMU's user and does not. So it discards its
 * cached capabilities of QEMU at every look-up and probes again: 44 s for each start, measured.
 */
export function isHiddenFromQemu(access: KvmAccess): boolean {
  const others = access.mode & 0o7;
  const group = (access.mode >> 3) & 0o7;
  const asOther = (others & readWrite) === readWrite;
  const asGroup = access.gid === access.kvmGid && (group & readWrite) === readWrite;
  return !asOther && !asGroup;
}

/** The sentence that explains why /dev/kvm slows every start of this user; null when it does not. */
export async function explainSlowStarts(uid: number): Promise<string | null> {
  const access = uid === 0 ? await readKvmAccess() : null;
  if (access === null || !isHiddenFromQemu(access)) return null;
  return `a start takes about 44 s while ${kvmPath} is closed to libvirt's QEMU: \`firstlight doctor --fix\` repairs it`;
}

/** The number of a group, or null when there is none of that name. */
export async function groupId(name: string): Promise<number | null> {
  const groups = await readFile('/etc/group', 'utf8');
  const line = groups.split('\n').find((entry) => entry.startsWith(`${name}:`));
  const gid = line?.split(':')[2];
  return gid === undefined ? null : Number(gid);
}
