import { randomInt } from 'node:crypto';
import { chmodSync, chownSync, linkSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { constants, copyFile, lstat, realpath, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Layout } from '#core/store/layout.ts';
import { systemCode, toStoreError } from '#core/store/store-error.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Machine } from '../machine.ts';
import { diskDirOf } from '../socket-dir.ts';
import { jailerHint } from './find-jailer.ts';
import { savedFiles } from './firecracker-requests.ts';
import { logIn } from './log-file.ts';

/** The folder that is the root of all files for one Firecracker, which runs as a user of its own. */
export interface Jail {
  readonly root: string;
  readonly ids: JailIds;
  /** The jailer's arguments; those of Firecracker follow. */
  readonly args: readonly string[];
}

/** The numbers of a jail's user and group. */
export interface JailIds {
  readonly uid: number;
  readonly gid: number;
}

/**
 * A range that no distribution gives to users, services or containers. Each machine has a user of its own, so that no
 * VMM can reach another; the group is common, and may read saved guests.
 *
 * Source: systemd, UIDS-GIDS: 1879048192 to 2147352575 are unused.
 */
const firstId = 0x7000_0000;
const uidCount = 2 ** 24;
export const newJailIds = (): JailIds => ({ uid: firstId + 1 + randomInt(uidCount), gid: firstId });

/** The folder of a jail for the files of a saved guest, which it cannot change. */
export const jailedSavedDir = 'saved';

/**
 * A jail for one machine, in the folder of its disks and removed with it: the jailer cleans up nothing. No cgroup: a
 * machine's size is its limit, and cgroups would stay.
 *
 * Shape: `namespacePath` is the machine's network; null for this program's.
 * Source: the jailer's chroot is base/program/id/root. The id tells a later program which folder the process uses.
 *
 * Errors: STORE_UNUSABLE, DISK_FULL, TOOL_MISSING.
 */
export async function makeJail(
  { program, layout }: { readonly program: string; readonly layout: Pick<Layout, 'disksDir'> },
  socketDir: string,
  ids: JailIds,
  namespacePath: string | null,
): Promise<Jail> {
  const base = diskDirOf(layout, socketDir);
  const id = basename(socketDir);
  const path = await realpath(program).catch((cause: unknown) => {
    throw new FirstlightError('TOOL_MISSING', `There is no program ${program}.`, { cause });
  });
  const root = join(base, basename(path), id, 'root');
  await inJail(root, async () => {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    writeFileSync(logIn(root), '', { flag: 'wx', mode: 0o600 });
    chownSync(logIn(root), ids.uid, ids.gid);
  });
  const numbers = ['--uid', String(ids.uid), '--gid', String(ids.gid)];
  const namespace = namespacePath === null ? [] : ['--netns', namespacePath];
  const args = ['--id', id, '--exec-file', path, ...numbers, ...namespace, '--chroot-base-dir', base, '--'];
  return { root, ids, args };
}

/**
 * Puts a machine's files into its jail. Shape: the machine with their paths there.
 *
 * Errors: STORE_UNUSABLE, DISK_FULL.
 */
export async function fillJail({ root, ids }: Jail, machine: Machine): Promise<Machine> {
  const { kernel, disks } = machine;
  const readable = async (path: string, name: string) => {
    await putReadable(path, join(root, name), ids.gid, false);
    return name;
  };
  return {
    ...machine,
    kernel: kernel && {
      ...kernel,
      path: await readable(kernel.path, 'kernel'),
      ...(kernel.initrdPath !== undefined && { initrdPath: await readable(kernel.initrdPath, 'initrd') }),
    },
    disks: await Promise.all(
      disks.map(async (disk, index) => {
        const name = `disk${index}`;
        // Other machines have it too: it stays its owner's.
        if (disk.isReadOnly) return { ...disk, path: await readable(disk.path, name) };
        await inJail(disk.path, async () => {
          linkSync(disk.path, join(root, name));
          chownSync(disk.path, ids.uid, ids.gid);
        });
        return { ...disk, path: name };
      }),
    ),
  };
}

/** Puts a saved guest into a jail. Errors: STORE_UNUSABLE, DISK_FULL. */
export async function fillWithSaved({ root, ids }: Jail, dir: string): Promise<void> {
  const target = join(root, jailedSavedDir);
  await inJail(target, async () => {
    mkdirSync(target);
    chmodSync(target, 0o755);
  });
  await Promise.all(
    Object.values(savedFiles).map((name) => putReadable(join(dir, name), join(target, name), ids.gid, true)),
  );
}

/** Moves the files of a guest that was saved in its jail. Errors: STORE_UNUSABLE. */
export async function takeSaved(root: string, dir: string): Promise<void> {
  for (const name of Object.values(savedFiles)) {
    const path = join(dir, name);
    await inJail(path, async () => {
      await rename(join(root, name), path);
      // Nothing in the jail can change what it is any more.
      if ((await lstat(path)).isFile()) return;
      await rm(path);
      throw new FirstlightError('STORE_UNUSABLE', `The jailed Firecracker left no file ${name}.`);
    });
  }
}

/**
 * Puts a file into a jail, where its group can read it and nobody there can change it: as the same file, or as a copy
 * where it is on another file system. A file that is neither open to all nor `ours` to open keeps its mode: it is copied.
 */
async function putReadable(path: string, target: string, gid: number, isOurs: boolean): Promise<void> {
  await inJail(path, async () => {
    const { mode } = statSync(path);
    const isOpen = (mode & 0o004) !== 0;
    const isLinked = (isOpen || isOurs) && linkOn(realpathSync(path), target);
    if (!isLinked) await copyFile(path, target, constants.COPYFILE_FICLONE);
    if (isLinked && isOpen) return;
    chownSync(target, unchanged, gid);
    chmodSync(target, 0o640);
  });
}

/** Source: chown(2). */
const unchanged = -1;

/** False where the target is on another file system. */
function linkOn(path: string, target: string): boolean {
  try {
    linkSync(path, target);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === 'EXDEV') return false;
    throw thrown;
  }
}

/** Small steps are taken at once: by a trip to another thread each, they take longer than Firecracker's own start. */
async function inJail(path: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    const { code, message, hint, details } = toStoreError(thrown, 'put into a jail', path);
    // Not all roots may change owners: that of a container may not, or only to some numbers.
    const isOwners = ['EPERM', 'EINVAL'].includes(systemCode(thrown) ?? '');
    throw new FirstlightError(code, message, { hint: isOwners ? jailerHint : hint, details, cause: thrown });
  }
}
