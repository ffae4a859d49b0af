import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Connection } from 'node-libvirt';
import type { Machine, PlacedMachine } from '../machine.ts';
import { unsupported } from '../unsupported.ts';
import { openPool, putVolume } from './host-pool.ts';
import { withLibvirtErrors } from './to-firstlight-error.ts';

/** Files of this machine as libvirt of another host can start them. */
export interface HostFiles {
  /**
   * The machine with the paths of that host; files that it lacks are copied, once for each content.
   * Errors: MACHINE_UNSUPPORTED for a machine with disks, but for one that it boots and only reads, with ports or with
   * shared folders; LIBVIRT_*; DISK_FULL.
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
      return (await putVolume(pool, digest, size, () => createReadStream(path))).path;
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
      const { kernel, disks } = given.machine;
      checkMachine(given.machine);
      if (kernel === null) {
        const placed = disks.map(async (disk) => ({ ...disk, path: await pathThere(disk.path) }));
        return { ...given, machine: { ...given.machine, disks: await Promise.all(placed) }, firmwarePath: null };
      }
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

function checkMachine({ kernel, disks, networks, shares }: Machine): void {
  const isFixed = disks.every(({ isReadOnly, format }) => isReadOnly && format === 'raw');
  if (disks.length > 0 && (kernel !== null || !isFixed)) throw refuse('disks');
  if (networks.some(({ kind }) => kind === 'user')) throw refuse('forwarded ports');
  if (shares.length > 0) throw refuse('shared folders');
}

async function readDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
