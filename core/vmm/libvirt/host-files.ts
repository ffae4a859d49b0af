import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { type Connection, isNotFound, LibvirtError, type StoragePool } from 'node-libvirt';
import { FirstlightError } from '#shared/errors.ts';
import type { Machine, PlacedMachine } from '../machine.ts';
import { unsupported } from '../unsupported.ts';
import { withLibvirtErrors } from './to-firstlight-error.ts';

/** Our pool on another host, and its folder where the system's daemon runs. */
const poolName = 'firstlight';
const poolDir = '/var/lib/libvirt/images/firstlight';
const poolXml = `<pool type="dir"><name>${poolName}</name><target><path>${poolDir}</path><permissions><mode>0711</mode></permissions></target></pool>`;

/** Files of this machine as libvirt of another host can start them. */
export interface HostFiles {
  /**
   * The machine with the paths of that host; files that it lacks are copied, once for each content.
   * Errors: MACHINE_UNSUPPORTED for a machine with disks, ports or shared folders; LIBVIRT_*; DISK_FULL.
   */
  readonly place: (placed: PlacedMachine) => Promise<PlacedMachine>;
}

export function createHostFiles(connection: () => Promise<Connection>): HostFiles {
  /** The digests of local files, by path, size and time of change. */
  const digests = new Map<string, Promise<string>>();
  /** The paths there, by digest. One copy of a content at a time. */
  const placed = new Map<string, Promise<string>>();
  /** The copy before. One at a time, since libvirt reads no pool anew into which something is written. */
  let last: Promise<unknown> = Promise.resolve();

  async function digestOf(path: string): Promise<string> {
    const { size, mtimeMs } = await stat(path);
    const key = `${path}\0${size}\0${mtimeMs}`;
    const known = digests.get(key) ?? readDigest(path);
    digests.set(key, known);
    return await known;
  }

  async function copy(path: string, digest: string): Promise<string> {
    const there = await connection();
    return await withLibvirtErrors(`copy ${path} to the host`, async () => {
      const pool = await openPool(there);
      const { size } = await stat(path);
      // A copy that was interrupted has no mark, and is made again in its place.
      const markName = `${digest}.whole`;
      if (!(await hasVolume(pool, markName))) {
        const volume = (await findVolume(pool, digest)) ?? (await pool.createVolumeXml(volumeXml(digest, size)));
        await volume.upload(createReadStream(path), { lengthBytes: size });
        if (!(await hasVolume(pool, markName))) await pool.createVolumeXml(volumeXml(markName, 0));
      }
      return await (await pool.lookupVolume(digest)).path();
    });
  }

  async function pathThere(path: string): Promise<string> {
    const digest = await digestOf(path);
    const known = placed.get(digest) ?? last.then(() => copy(path, digest));
    placed.set(digest, known);
    last = known.catch(() => undefined);
    return await known.catch((thrown: unknown) => {
      placed.delete(digest);
      throw thrown;
    });
  }

  return {
    place: async (given) => {
      const { kernel } = given.machine;
      if (kernel === null) throw refuse('disks');
      checkMachine(given.machine);
      const isQuick = given.machine.firmware === 'quick';
      const firmwarePath = isQuick ? (kernel.firmwarePath ?? given.firmwarePath) : null;
      const [path, initrdPath, firmware] = await Promise.all([
        pathThere(kernel.path),
        kernel.initrdPath === undefined ? undefined : pathThere(kernel.initrdPath),
        firmwarePath === null ? null : pathThere(firmwarePath),
      ]);
      const machine = { ...given.machine, kernel: { path, cmdline: kernel.cmdline, initrdPath } };
      return { ...given, machine, firmwarePath: firmware };
    },
  };
}

const refuse = (what: string) =>
  unsupported(
    'libvirt on another host',
    what,
    'Only a kernel with its channels is copied there. Run this one on a libvirt of this machine.',
  );

function checkMachine({ disks, networks, shares }: Machine): void {
  if (disks.length > 0) throw refuse('disks');
  if (networks.some(({ kind }) => kind === 'user')) throw refuse('forwarded ports');
  if (shares.length > 0) throw refuse('shared folders');
}

async function readDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

const volumeXml = (name: string, bytes: number) =>
  `<volume><name>${name}</name><capacity unit="bytes">${bytes}</capacity><allocation unit="bytes">0</allocation><target><format type="raw"/><permissions><mode>0444</mode></permissions></target></volume>`;

/** Our pool; it is created where there is none. Errors: LIBVIRT_FAILED for a person's own daemon without such a pool. */
async function openPool(connection: Connection): Promise<StoragePool> {
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

const findVolume = (pool: StoragePool, name: string) => nullIfMissing(pool.lookupVolume(name));
const hasVolume = async (pool: StoragePool, name: string) => (await findVolume(pool, name)) !== null;

async function nullIfMissing<Value>(asked: Promise<Value>): Promise<Value | null> {
  try {
    return await asked;
  } catch (thrown) {
    if (isNotFound(thrown)) return null;
    throw thrown;
  }
}
