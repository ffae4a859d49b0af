/**
 * Who has a volume. At most one instance does, across all processes of this machine: two that write one destroy it.
 *
 * A lock is a file `lock-N.json` beside the volume; the one with the highest number counts. It holds for as long as the
 * directory of the instance that it names is there, which goes with the instance however that ends, and not longer than this
 * boot of the host. Nobody has to take it away: the next one is made with the next number, which only one can have.
 */
import { randomBytes } from 'node:crypto';
import { link, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readBootId } from '../store/owner.ts';
import { readJson } from '../store/read-json.ts';
import { systemCode, toStoreError } from '../store/store-error.ts';
import { goneAsUndefined, namesIn, removeTemps } from '../store/write-atomic.ts';

/** An instance that wants a volume. Shape: `dir` is a directory of its own that is there for as long as it is. */
export interface VolumeHolder {
  /** Its name for a person. */
  readonly instance: string;
  readonly dir: string;
}

const lockSchema = z.object({ instance: z.string(), dir: z.string(), bootId: z.string(), since: z.string() });
export type VolumeLock = z.output<typeof lockSchema>;

const lockName = /^lock-(\d{1,15})\.json$/;
const pathOf = (dir: string, number: number) => join(dir, `lock-${number}.json`);

/** The lock on the volume in `dir`, or null when nobody has it. */
export async function findLock(dir: string): Promise<VolumeLock | null> {
  return (await readTop(dir)).lock;
}

/** Takes the lock for an instance; answers with the one of another that has it, or null when it was taken. */
export async function takeLock(dir: string, { instance, dir: holderDir }: VolumeHolder): Promise<VolumeLock | null> {
  const mine: VolumeLock = { instance, dir: holderDir, bootId: readBootId(), since: new Date().toISOString() };
  const draft = join(dir, `.lock.${randomBytes(6).toString('hex')}.fl-tmp`);
  try {
    await writeFile(draft, JSON.stringify(mine), { flag: 'wx', mode: 0o600 });
    for (;;) {
      const { number, lock } = await readTop(dir);
      if (lock !== null) return lock;
      if (!(await linkOnce(draft, pathOf(dir, number + 1)))) continue;
      // Others may have gone past this number while we looked; theirs counts then.
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

async function readTop(dir: string): Promise<{ number: number; lock: VolumeLock | null }> {
  const number = Math.max(0, ...(await numbersIn(dir)));
  if (number === 0) return { number, lock: null };
  const found = await readJson(pathOf(dir, number), lockSchema);
  const lock = found.ok ? (found.value ?? null) : null;
  return { number, lock: lock !== null && (await holds(lock)) ? lock : null };
}

async function holds({ dir, bootId }: VolumeLock): Promise<boolean> {
  if (bootId !== readBootId()) return false;
  return (await stat(dir).catch(goneAsUndefined)) !== undefined;
}

async function numbersIn(dir: string): Promise<number[]> {
  return (await namesIn(dir)).flatMap((name) => lockName.exec(name)?.[1] ?? []).map(Number);
}

/** False when there is something already. */
async function linkOnce(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === 'EEXIST') return false;
    throw thrown;
  }
}
