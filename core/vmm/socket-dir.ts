import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Layout } from '#core/store/layout.ts';
import { isAlive, type Owner, readBootId } from '#core/store/owner.ts';
import { namesIn } from '#core/store/write-atomic.ts';
import { FirstlightError } from '#shared/errors.ts';
import { findUsedNames } from './in-use.ts';
import type { MachineSockets } from './machine.ts';

/** The kernel's limit for the path of a Unix socket, without the terminating zero. */
const maxSocketPathBytes = 107;
const longestName = 'channel.sock';
/** The creator's process number, its start in ticks, and random digits. */
const socketDirName = /^(\d+)-(\d+)-[0-9a-f]{6}$/;

/** The sockets of one instance, with the directory that they lie in. */
export interface SocketPaths extends MachineSockets {
  readonly dir: string;
}

/**
 * A new directory for the sockets of one instance. Its name lets a later Firstlight check whether its creator still
 * runs.
 *
 * Errors: STORE_UNUSABLE when the path is too long for a socket or the directory cannot be made.
 */
export async function createSocketDir(runDir: string, owner: Owner): Promise<SocketPaths> {
  const name = `${owner.pid}-${owner.startTicks}-${randomBytes(3).toString('hex')}`;
  const dir = join(runDir, name);
  checkSocketPath(join(dir, longestName));
  try {
    await mkdir(dir, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw new FirstlightError('STORE_UNUSABLE', `Cannot create ${dir} for an instance's sockets.`, {
      hint: 'Run `firstlight doctor`: it checks who may write there.',
      details: { subject: dir },
      cause,
    });
  }
  return socketPathsIn(dir);
}

/** Refuses a path that no socket can have. Errors: STORE_UNUSABLE. */
export function checkSocketPath(path: string): void {
  if (Buffer.byteLength(path) <= maxSocketPathBytes) return;
  throw new FirstlightError('STORE_UNUSABLE', `The path ${path} is too long for a socket.`, {
    hint: 'Set FIRSTLIGHT_HOME, or XDG_RUNTIME_DIR, to a directory with a shorter path.',
    details: { subject: path },
  });
}

/** The sockets in the directory of an instance. */
export function socketPathsIn(dir: string): SocketPaths {
  return {
    dir,
    serial: join(dir, 'serial.sock'),
    channel: join(dir, 'channel.sock'),
    console: join(dir, 'console.sock'),
  };
}

/** True for a directory that `createSocketDir` may have created in `runDir`: no other may be removed. */
export function isSocketDirIn(runDir: string, dir: string): boolean {
  const name = basename(dir);
  return socketDirName.test(name) && dir === join(runDir, name);
}

/**
 * The directory for the disks of the instance with these sockets. It is on a disk: guests may write more than fits in
 * memory.
 */
export function diskDirOf(layout: Pick<Layout, 'disksDir'>, socketDir: string): string {
  return join(layout.disksDir, basename(socketDir));
}

/** A QEMU that was just ended keeps its files open for a moment: it is checked again this often. */
const removeTries = 4;
const removeRetryMs = 500;

/**
 * Removes the files of an instance, unless a process still uses them: a later start then removes them.
 *
 * Shape: true when it is gone.
 */
export async function removeInstanceDirs(layout: Pick<Layout, 'disksDir'>, socketDir: string): Promise<boolean> {
  const name = basename(socketDir);
  for (let tries = 1; (await findUsedNames([name])).has(name); tries++) {
    if (tries === removeTries) return false;
    await sleep(removeRetryMs, undefined, { ref: false });
  }
  await removeDirs(layout, socketDir);
  return true;
}

async function removeDirs(layout: Pick<Layout, 'disksDir'>, socketDir: string): Promise<void> {
  await Promise.all([socketDir, diskDirOf(layout, socketDir)].map((dir) => rm(dir, { recursive: true, force: true })));
}

/**
 * Removes the directories of instances whose creator is gone. Those in `used` stay, and so do all that a running
 * process uses: an instance may belong to a libvirt that is not among the hosts.
 */
export async function removeLeftoverInstanceDirs(
  layout: Pick<Layout, 'socketsDir' | 'disksDir'>,
  used: ReadonlySet<string>,
): Promise<void> {
  const names = new Set([...(await namesIn(layout.socketsDir)), ...(await namesIn(layout.disksDir))]);
  const inUse = await findUsedNames([...names]);
  for (const name of names) {
    if (inUse.has(name)) continue;
    const maker = makerOf(name);
    if (maker === null) continue;
    const dir = join(layout.socketsDir, name);
    if (!used.has(dir) && !isAlive(maker)) await removeDirs(layout, dir);
  }
}

/** The process that made the directory with this name; null for a name that is not ours. */
export function makerOf(name: string): Owner | null {
  const [, pid, ticks] = socketDirName.exec(name) ?? [];
  return pid === undefined || ticks === undefined
    ? null
    : { pid: Number(pid), startTicks: ticks, bootId: readBootId() };
}
