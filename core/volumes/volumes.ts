/** Volumes: TFS images that outlive the instances that mount them. They are known by name on the whole machine. */
import { randomUUID } from 'node:crypto';
import { chmod, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createFileTree } from '@firstlight/files';
import { writeVolume } from '@firstlight/tfs';
import { z } from 'zod';
import type { PreparedVolume, VolumeHolder, VolumeProvider } from '#core/runtime/volume.ts';
import { FirstlightError } from '#shared/errors.ts';
import { bytesSchema } from '#shared/model/units.ts';
import type { Volume } from '#shared/model/volume.ts';
import { volumeNameSchema } from '#shared/model/volume-name.ts';
import { createDirectoryStore } from '../store/directory-store.ts';
import type { Layout } from '../store/layout.ts';
import { undefinedIfMissing } from '../store/write-atomic.ts';
import { findUse, imageName, takeVolume, type VolumeUse } from './volume-lock.ts';

export interface Volumes extends VolumeProvider {
  /** By name. */
  readonly list: () => Promise<Volume[]>;
  /** Errors: ALREADY_EXISTS, DISK_FULL, STORE_UNUSABLE. */
  readonly create: (name: string, sizeMiB: number) => Promise<Volume>;
  /** Removes a volume with its content. Errors: NOT_FOUND; CONFLICT while an instance has it. */
  readonly remove: (name: string) => Promise<void>;
}

export interface VolumesOptions {
  readonly layout: Layout;
  /** The wait for a volume that another instance has. Default: 4 s; libvirt ends an instance in about 2. */
  readonly waitMs?: number;
  readonly onChange?: (volumes: Volume[]) => void;
}

const manifestSchema = z.object({ format: z.literal(1), createdAt: z.string() });
const manifestName = 'volume.json';
const mib = 1024 ** 2;
const defaultWaitMs = 4000;
const lookAgainMs = 100;
/** `stat` counts in these units on every file system. */
const statBlockBytes = 512;

/** The volumes in `layout.volumesDir`. */
export function createVolumes(options: VolumesOptions): Volumes {
  const { layout, waitMs = defaultWaitMs, onChange = () => undefined } = options;
  const store = createDirectoryStore({
    layout,
    root: layout.volumesDir,
    kind: 'volume',
    // QEMU's user reaches the image by its path, and cannot list the folder.
    mode: 0o711,
    manifestName,
    schema: manifestSchema,
    isName: (name) => volumeNameSchema.safeParse(name).success,
    isWhole: async (dir) => (await stat(join(dir, imageName)).catch(undefinedIfMissing)) !== undefined,
  });
  const { dirOf } = store;

  async function find(name: string): Promise<Volume | null> {
    const dir = dirOf(name);
    const path = join(dir, imageName);
    const manifest = await store.find(name);
    const file = await stat(path).catch(undefinedIfMissing);
    if (manifest === null || file === undefined) return null;
    return {
      name,
      path,
      bytes: bytesSchema.parse(file.size),
      usedBytes: bytesSchema.parse(file.blocks * statBlockBytes),
      createdAt: manifest.createdAt,
      usedBy: await findUse(dir),
    };
  }

  async function list(): Promise<Volume[]> {
    const found = await Promise.all((await store.names()).sort().map(find));
    return found.filter((volume) => volume !== null);
  }

  /** False when a volume of that name exists already. */
  async function make(name: string, sizeMiB: number): Promise<boolean> {
    return await store.withTemp(async (temp) => {
      const path = join(temp, imageName);
      const content = { tree: createFileTree().tree, label: name, digest: randomUUID(), freeBytes: 0 };
      await writeVolume(path, { ...content, minBytes: sizeMiB * mib });
      // It contains the data of a person's functions.
      await chmod(path, 0o600);
      return await store.publishNew(temp, name, { format: 1, createdAt: new Date().toISOString() });
    });
  }

  /**
   * The volume, made where it is missing. Errors: STORE_UNUSABLE when another file is in its place, which is not
   * removed.
   */
  async function ensureVolume(name: string, sizeMiB: number): Promise<Volume> {
    const there = await find(name);
    if (there !== null) return there;
    const made = await make(name, sizeMiB);
    const volume = await find(name);
    if (volume === null) throw broken(dirOf(name));
    if (made) onChange(await list());
    return volume;
  }

  async function take(name: string, holder: VolumeHolder, signal: AbortSignal | undefined): Promise<void> {
    const until = performance.now() + waitMs;
    for (;;) {
      const other = await takeVolume(dirOf(name), holder);
      if (other === null) return;
      if (performance.now() >= until) throw inUse(name, other);
      await setTimeout(lookAgainMs, undefined, { signal });
    }
  }

  return {
    list,

    create: async (name, sizeMiB) => {
      if (!(await make(name, sizeMiB))) {
        throw new FirstlightError('ALREADY_EXISTS', `There is a volume "${name}" already.`, {
          hint: 'Volumes are known by name on the whole machine: choose another name, or use that one.',
          details: { subject: dirOf(name) },
        });
      }
      const volume = await find(name);
      if (volume === null) throw broken(dirOf(name));
      onChange(await list());
      return volume;
    },

    remove: async (name) => {
      if ((await find(name)) === null) throw noSuchVolume(name, await list());
      await checkFree(name, dirOf(name));
      const temp = await store.withdraw(name);
      // Another process has removed it since.
      if (temp === null) throw noSuchVolume(name, await list());
      try {
        // An instance may have taken it just before it was renamed away.
        await checkFree(name, temp);
      } catch (thrown) {
        await rename(temp, dirOf(name));
        throw thrown;
      }
      await rm(temp, { recursive: true, force: true });
      onChange(await list());
    },

    prepare: async (volumes, holder, signal) => {
      const prepared: PreparedVolume[] = [];
      // In one order for all, so that two instances that want the same volumes do not deadlock.
      for (const [name, { mount, sizeMiB }] of Object.entries(volumes).sort(([a], [b]) => (a < b ? -1 : 1))) {
        const { path } = await ensureVolume(name, sizeMiB);
        await take(name, holder, signal);
        await layout.giveToQemu(path);
        prepared.push({ name, path, label: name, mount });
      }
      return prepared;
    },
  };
}

async function checkFree(name: string, dir: string): Promise<void> {
  const use = await findUse(dir);
  if (use !== null) throw inUse(name, use);
}

function inUse(name: string, { instance }: VolumeUse): FirstlightError {
  const who = instance === null ? 'a QEMU that Firstlight did not start' : `the instance ${instance}`;
  const end = instance === null ? 'End that one first.' : `End that one with \`firstlight stop ${instance}\`.`;
  return new FirstlightError('CONFLICT', `The volume "${name}" is in use by ${who}.`, {
    hint: `One instance at a time can have it. ${end}`,
    details: { subject: instance ?? name },
  });
}

const noSuchVolume = (name: string, volumes: readonly Volume[]) =>
  new FirstlightError('NOT_FOUND', `There is no volume "${name}".`, {
    hint: volumes.length === 0 ? 'There are none.' : `There are: ${volumes.map((volume) => volume.name).join(', ')}.`,
    details: { subject: name },
  });

const broken = (dir: string) =>
  new FirstlightError('STORE_UNUSABLE', `${dir} is there and holds no whole volume.`, {
    hint: `Firstlight removes no volume by itself. Look into it, and move it away when nothing in it is of use.`,
    details: { subject: dir },
  });
