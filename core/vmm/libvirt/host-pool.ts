/** The storage pool of a host that our files are copied into. */
import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { type Connection, isNotFound, LibvirtError, type StoragePool, type StorageVolume } from 'node-libvirt';
import { FirstlightError } from '#shared/errors.ts';

/** Our pool on a host, and its folder where the system's daemon runs. */
const poolName = 'firstlight';
const poolDir = '/var/lib/libvirt/images/firstlight';
const poolXml = `<pool type="dir"><name>${poolName}</name><target><path>${poolDir}</path><permissions><mode>0711</mode></permissions></target></pool>`;

/** The volume beside another one that says that it is whole: a copy that was interrupted has none. */
export const markOf = (name: string): string => `${name}.whole`;

/** True when the pool has the whole content of a volume. */
export const isWhole = (pool: StoragePool, name: string): Promise<boolean> => hasVolume(pool, markOf(name));

/**
 * The path of a volume with this content, which is copied unless it is there already. An interrupted copy is made again
 * in its place.
 */
export async function putVolume(
  pool: StoragePool,
  name: string,
  bytes: number,
  read: () => Readable | Promise<Readable>,
): Promise<{ readonly path: string; readonly sentBytes: number }> {
  const isThere = await isWhole(pool, name);
  if (!isThere) {
    const volume = await makeVolume(pool, name, bytes);
    await volume.upload(await read(), { lengthBytes: bytes });
    await makeVolume(pool, markOf(name), 0);
  }
  return { path: await (await pool.lookupVolume(name)).path(), sentBytes: isThere ? 0 : bytes };
}

/** The volume of that name. Another program may create it at the same time. */
async function makeVolume(pool: StoragePool, name: string, bytes: number): Promise<StorageVolume> {
  const found = await findVolume(pool, name);
  if (found !== null) return found;
  try {
    return await pool.createVolumeXml(volumeXml(name, bytes));
  } catch (thrown) {
    const made = await findVolume(pool, name);
    if (made === null) throw thrown;
    return made;
  }
}

const volumeXml = (name: string, bytes: number) =>
  `<volume><name>${name}</name><capacity unit="bytes">${bytes}</capacity><allocation unit="bytes">0</allocation><target><format type="raw"/><permissions><mode>0444</mode></permissions></target></volume>`;

/** Our pool on a host, read anew; it is created where there is none. Errors: LIBVIRT_FAILED for a person's own daemon without such a pool. */
export async function openPool(connection: Connection): Promise<StoragePool> {
  const found = await nullIfMissing(connection.lookupPoolByName(poolName));
  if (found !== null) {
    await refreshWhenIdle(found);
    return found;
  }
  if (new URL(await connection.uri()).pathname === '/session') {
    throw new FirstlightError('LIBVIRT_FAILED', `This libvirt has no storage pool "${poolName}" for images.`, {
      hint: `Make one there: virsh pool-define-as ${poolName} dir --target ~/.local/share/libvirt/images; virsh pool-build ${poolName}; virsh pool-start ${poolName}`,
    });
  }
  try {
    return await connection.createPoolXml(poolXml, { build: true });
  } catch (thrown) {
    // Another copy may have created it in the meantime.
    const made = await nullIfMissing(connection.lookupPoolByName(poolName));
    if (made === null) throw thrown;
    return made;
  }
}

/**
 * Reads the pool anew, since another Firstlight may have copied files since. While one does, libvirt refuses that.
 * Errors: LibvirtError of the last attempt.
 */
async function refreshWhenIdle(pool: StoragePool): Promise<void> {
  for (const end = Date.now() + maxCopyMs; ; await setTimeout(100)) {
    try {
      return await pool.refresh();
    } catch (thrown) {
      const isBusy = thrown instanceof LibvirtError && /asynchronous jobs/.test(thrown.message);
      if (!isBusy || Date.now() > end) throw thrown;
    }
  }
}

/** A copy of a kernel takes seconds, on a slow line a minute. */
const maxCopyMs = 120_000;

/** A volume of that name; null when there is none. */
export const findVolume = (pool: StoragePool, name: string): Promise<StorageVolume | null> =>
  nullIfMissing(pool.lookupVolume(name));
const hasVolume = async (pool: StoragePool, name: string) => (await findVolume(pool, name)) !== null;

async function nullIfMissing<Value>(asked: Promise<Value>): Promise<Value | null> {
  try {
    return await asked;
  } catch (thrown) {
    if (isNotFound(thrown)) return null;
    throw thrown;
  }
}
