import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '#core/store/store-error.ts';

/** The user that libvirt runs the system's QEMU as. */
export interface OtherUser {
  readonly uid: number;
  readonly gids: readonly number[];
}

/**
 * The first folder on the way to `path` that a user may not pass, from the root down; null when there is none.
 *
 * Shape: missing folders are no obstacle. Permission bits only, without access lists.
 */
export async function firstObstacle(path: string, user: OtherUser): Promise<string | null> {
  const folders: string[] = [];
  for (let dir = path; ; dir = dirname(dir)) {
    folders.unshift(dir);
    if (dir === dirname(dir)) break;
  }
  for (const dir of folders) {
    let found: Awaited<ReturnType<typeof stat>>;
    try {
      found = await stat(dir);
    } catch (thrown) {
      if (systemCode(thrown) === 'ENOENT') return null;
      throw thrown;
    }
    const shift = found.uid === user.uid ? 6 : user.gids.includes(found.gid) ? 3 : 0;
    if (((found.mode >> shift) & 1) === 0) return dir;
  }
  return null;
}
