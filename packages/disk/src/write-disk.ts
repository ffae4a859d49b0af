/** Writes disks that Nanos boots from: boot code, a boot file system with the kernel, and the root file system. */
import { readFile, stat } from 'node:fs/promises';
import {
  createFile,
  createFileTree,
  type DiskFile,
  type FileTree,
  rawDisk,
  readFailed,
  systemCode,
} from '@firstlight/files';
import {
  bootFsBytes,
  type VolumeContent,
  volumeLayoutSchema,
  type WriteOptions,
  writeVolumeInto,
} from '@firstlight/tfs';
import { z } from 'zod';
import { DiskError } from './disk-error.ts';
import { bootFsAt, bootSectors, rootFsAt } from './mbr.ts';

/** The files of a Nanos release for a disk. Shape: paths of the host. */
export interface BootParts {
  /** boot.img; null for a hypervisor that loads the kernel itself: the disk then has a partition table only. */
  readonly bootImage: string | null;
  /** kernel.img */
  readonly kernel: string;
  /** The klibs for the boot file system, by name, where the root has `klibs: bootfs`. Default: none. */
  readonly klibs?: ReadonlyMap<string, string>;
}

export interface DiskContent extends VolumeContent {
  readonly boot: BootParts;
}

/** The layout of a written disk. Shape: plain JSON, to keep beside a base. Units: bytes. */
export const diskLayoutSchema = z.object({
  version: z.literal(1),
  /** The digest that the caller gave for the content. */
  digest: z.string(),
  bytes: z.number().int().positive(),
  root: volumeLayoutSchema,
});
export type DiskLayout = z.output<typeof diskLayoutSchema>;

/**
 * Writes a raw disk into a new file.
 *
 * Errors: as `writeVolume`; `part-missing` when a boot part does not exist; `boot-code-invalid`; `boot-files-too-large`
 * when kernel and klibs are larger than the boot file system; `too-large` for a disk of more than 2 TiB.
 */
export function writeDisk(path: string, content: DiskContent, options: WriteOptions = {}): Promise<DiskLayout> {
  return createFile(path, async (file) => {
    const disk = rawDisk(file);
    const layout = await writeDiskInto(disk, content, options);
    await disk.finish(layout.bytes);
    return layout;
  });
}

/** Writes a whole disk except its size. Errors: as `writeDisk`. */
export async function writeDiskInto(
  disk: DiskFile,
  content: DiskContent,
  options: WriteOptions = {},
): Promise<DiskLayout> {
  const { boot, digest } = content;
  const bootCode = boot.bootImage === null ? null : await readBootImage(boot.bootImage);
  const boots = await writeVolumeInto(
    disk,
    bootFsAt,
    { tree: await bootTree(boot), digest: `boot ${digest}`, freeBytes: 0 },
    { signal: options.signal },
  );
  if (boots.bytes > bootFsBytes) {
    throw new DiskError(
      'boot-files-too-large',
      'The kernel and its klibs are larger than the boot file system: 12 MiB.',
      {
        hint: 'Choose fewer klibs, or kernel.img instead of kernel.elf.',
      },
    );
  }
  const root = await writeVolumeInto(disk, rootFsAt, content, options);
  await disk.write(bootSectors(bootCode, root.bytes), 0);
  return { version: 1, digest, bytes: rootFsAt + root.bytes, root };
}

async function readBootImage(path: string): Promise<Buffer> {
  return readFile(path).catch((thrown: unknown) => {
    throw toPartError(thrown, path);
  });
}

function toPartError(thrown: unknown, path: string): unknown {
  if (systemCode(thrown) !== 'ENOENT') return readFailed(thrown, path);
  return new DiskError('part-missing', `The Nanos release is not whole: there is no ${path}.`, {
    subject: path,
    cause: thrown,
  });
}

async function bootTree({ kernel, klibs = new Map() }: BootParts): Promise<FileTree> {
  const builder = createFileTree();
  const add = async (guest: string, path: string) => {
    const found = await stat(path).catch((thrown: unknown) => {
      throw toPartError(thrown, path);
    });
    builder.add(guest, { kind: 'file', content: { kind: 'host', path }, bytes: found.size });
  };
  await add('/kernel', kernel);
  for (const [name, path] of klibs) await add(`/klib/${name}`, path);
  return builder.tree;
}
