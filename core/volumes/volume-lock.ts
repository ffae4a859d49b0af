/**
 * The holder of a volume: at most one instance, across all processes of this machine. Two writers destroy a volume.
 *
 * Once an instance's QEMU runs, its open image marks the holder. Before that it is a file `lock-N.json` beside the
 * image, of which the one with the highest number counts: it names the instance, and is valid while the process that
 * starts the instance lives and the instance's directory exists. It need not be removed: the next lock has the next
 * number, which only one instance can get.
 */

import { randomBytes } from 'node:crypto';
import { link, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { VolumeHolder } from '#core/runtime/volume.ts';
import { isAlive, ownerSchema, thisProcess } from '../store/owner.ts';
import { readJson } from '../store/read-json.ts';
import { systemCode, toStoreError } from '../store/store-error.ts';
import { namesIn, removeTemps, undefinedIfMissing } from '../store/write-atomic.ts';
import { isOpenInQemu } from './image-lock.ts';

/** The user of a volume, and since when. Shape: null where the only known user is a foreign QEMU. */
export interface VolumeUse {
  readonly instance: string | null;
  readonly since: string | null;
}

const lockSchema = z.object({ instance: z.string(), dir: z.string(), owner: ownerSchema, since: z.string() });
type Lock = z.output<typeof lockSchema>;

export const imageName = 'volume.img';
const lockName = /^lock-(\d{1,15})\.json$/;
const pathOf = (dir: string, number: number) => join(dir, `lock-${number}.json`);

/** The user of the volume in `dir`; null when it is free. */
export async function findUse(dir: string): Promise<VolumeUse | null> {
  return (await readTop(dir)).use;
}

/**
 * Takes the volume for an instance; returns its current user, or null when the volume was taken. Errors: DISK_FULL,
 * STORE_UNUSABLE.
 */
export async function takeVolume(dir: string, { instance, dir: holderDir }: VolumeHolder): Promise<VolumeUse | null> {
  const mine: Lock = { instance, dir: holderDir, owner: thisProcess(), since: new Date().toISOString() };
  const draft = join(dir, `.lock.${randomBytes(6).toString('hex')}.fl-tmp`);
  try {
    await writeFile(draft, JSON.stringify(mine), { flag: 'wx', mode: 0o600 });
    for (;;) {
      const { number, use } = await readTop(dir);
      if (use !== null) return use;
      if (!(await linkOnce(draft, pathOf(dir, number + 1)))) continue;
      // Others may have passed this number in the meantime; theirs counts then.
      if ((await numbersIn(dir)).some((other) => other > number + 1)) {
        await rm(pathOf(dir, number + 1), { force: true });
        continue;
      }
      for (const old of await numbersIn(dir)) if (old <= number) await rm(pathOf(dir, old), { force: true });
      await removeTemps(dir);
      return null;
    }
  } catch (thrown) {
    throw toStoreError(thrown, 'lock the volume', dir);
  } finally {
    await rm(draft, { force: true });
  }
}

async function readTop(dir: string): Promise<{ number: number; use: VolumeUse | null }> {
  const number = Math.max(0, ...(await numbersIn(dir)));
  const found = number === 0 ? null : await readJson(pathOf(dir, number), lockSchema);
  const lock = found?.ok ? (found.value ?? null) : null;
  if (lock !== null && (await isStarting(lock))) return { number, use: lock };
  if (!(await isOpenInQemu(join(dir, imageName)))) return { number, use: null };
  return { number, use: { instance: lock?.instance ?? null, since: lock?.since ?? null } };
}

/** True from the lock's making until the instance is gone, as far as the process that started it knows. */
async function isStarting({ owner, dir }: Lock): Promise<boolean> {
  return isAlive(owner) && (await stat(dir).catch(undefinedIfMissing)) !== undefined;
}

async function numbersIn(dir: string): Promise<number[]> {
  return (await namesIn(dir)).flatMap((name) => lockName.exec(name)?.[1] ?? []).map(Number);
}

/** False when the file exists already. */
async function linkOnce(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === 'EEXIST') return false;
    throw thrown;
  }
}
