/** Saved machines that have booted: made once for each image, machine and VMM, and checked whenever one is used. */
import { cpus, release } from 'node:os';
import { z } from 'zod';
import type { Runtime } from '#core/runtime/runtime.ts';
import { digestJson } from '#core/store/digest-json.ts';
import { createDirectoryStore } from '#core/store/directory-store.ts';
import type { Layout } from '#core/store/layout.ts';
import type { Vmm } from '#core/vmm/vmm.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import type { InstanceId } from '#shared/model/units.ts';
import type { Launched } from './launch.ts';
import { checkSavedFiles, savedFileSchema, sealSavedFiles } from './saved-files.ts';
import type { LaunchSpec, SavedMachine } from './types.ts';

export interface Snapshots {
  /**
   * The saved machine for this start, made if there is none. Null where none can be made, with the reason in the log,
   * and for one that is damaged: it is removed, and the next start makes another. Never rejects.
   */
  readonly prepare: (spec: LaunchSpec) => Promise<SavedMachine | null>;
  /** Removes one that its VMM refused, or whose guest did not answer. Never rejects. */
  readonly remove: (saved: SavedMachine) => Promise<void>;
}

export interface SnapshotsOptions {
  readonly layout: Layout;
  readonly runtimes: ReadonlyMap<RuntimeId, Runtime>;
  readonly launch: (spec: LaunchSpec) => Promise<Launched>;
  /** Forgets the instance that was saved. */
  readonly forget: (id: InstanceId) => void;
  /** Called with what a person should know: a saved machine was damaged. */
  readonly warn: (error: FirstlightError) => void;
  readonly log: (line: string) => void;
  /** The limit of all of them together, on disk. */
  readonly maxBytes?: number | undefined;
}

const manifestSchema = z.object({
  format: z.literal(1),
  /** The image that runs in it, by its VMM: a newer one of the same kind replaces it. */
  imageId: z.string(),
  vmm: z.string(),
  files: z.array(savedFileSchema).min(1),
});

/** A small guest takes 2 MB. The least recently used ones go first. */
const defaultMaxBytes = 512 * 1024 ** 2;

export function createSnapshots(options: SnapshotsOptions): Snapshots {
  const { layout, runtimes, launch, forget, warn, log, maxBytes = defaultMaxBytes } = options;
  const store = createDirectoryStore({
    layout,
    root: layout.snapshotsDir,
    kind: 'saved machine',
    // Memory of a guest may hold secrets: for this user only.
    mode: 0o700,
    manifestMode: 0o600,
    manifestName: 'snapshot.json',
    schema: manifestSchema,
    isName: (name) => /^[0-9a-f]{64}$/.test(name),
    isWhole: (dir, { files }) => checkSavedFiles(dir, files),
  });
  const versions = new WeakMap<Vmm, Promise<Readonly<Record<string, string>>>>();
  const underWay = new Map<string, Promise<SavedMachine | null>>();

  function versionsOf(vmm: Vmm): Promise<Readonly<Record<string, string>>> {
    const known = versions.get(vmm) ?? vmm.readVersions();
    versions.set(vmm, known);
    known.catch(() => versions.delete(vmm));
    return known;
  }

  /** The name of a saved machine: the digest of all that it depends on. */
  async function nameOf(spec: LaunchSpec, runtime: Runtime): Promise<string> {
    const { image, config, accel, host, projectDir, isTrusted } = spec;
    const makeDiskDir = () => Promise.reject(new Error('A machine with disks of its own is not saved.'));
    const request = {
      ...{ instanceId: 'saved' as InstanceId, image, config, accel, projectDir, isTrusted },
      ...{ vmm: host.vmm, makeDiskDir },
    };
    const { machine } = await runtime.prepareMachine(request);
    return digestJson({
      format: 1,
      image: image.id,
      machine: machine as unknown as Json,
      vmm: host.vmm.id,
      versions: { ...(await versionsOf(host.vmm)) },
      // A saved machine has the registers of this processor and the devices of this kernel.
      kernel: release(),
      processor: processorModel(),
    });
  }

  async function findOrMake(name: string, spec: LaunchSpec): Promise<SavedMachine | null> {
    const saved = { name, dir: store.dirOf(name) };
    if ((await store.find(name)) !== null) {
      await store.touch(name);
      return { ...saved, wasMade: false };
    }
    if (await store.remove(name)) {
      const words = `The saved machine of ${spec.config.name} was damaged. It is removed, and this start is cold.`;
      warn(new FirstlightError('STORE_UNUSABLE', words, { hint: 'The next start makes another.' }));
      return null;
    }
    await store.withTemp(async (temp) => {
      const { instance } = await launch({ ...spec, startMode: 'prebooted', keep: false, runId: null });
      try {
        await instance.bootAhead();
        await instance.saveAndEnd(temp);
      } finally {
        instance.stop();
        forget(instance.record.id);
      }
      const files = await sealSavedFiles(temp);
      const { image, host } = spec;
      await store.publish(temp, name, { format: 1, imageId: image.id, vmm: host.vmm.id, files });
    });
    await prune(name, spec);
    return { ...saved, wasMade: true };
  }

  /** Removes those that this one replaces, and the least recently used beyond the limit. */
  async function prune(newest: string, { image, host }: LaunchSpec): Promise<void> {
    const others = [];
    for (const name of await store.names()) {
      if (name === newest) continue;
      const manifest = await store.find(name);
      if (manifest === null || (manifest.imageId === image.id && manifest.vmm === host.vmm.id))
        await store.remove(name);
      else others.push({ name, bytes: bytesOf(manifest.files), usedAtMs: (await store.usedAtMs(name)) ?? 0 });
    }
    others.sort((a, b) => b.usedAtMs - a.usedAtMs);
    let total = bytesOf((await store.find(newest))?.files ?? []);
    for (const { name, bytes } of others) {
      total += bytes;
      if (total > maxBytes) await store.remove(name);
    }
  }

  return {
    async prepare(spec) {
      const runtime = runtimes.get(spec.image.runtime);
      const { vmm } = spec.host;
      const cannot = (why: string) => log(`${spec.config.name} is not restored from a saved machine: ${why}`);
      if (runtime?.canBeRestored?.(spec.config) !== true) {
        cannot(`such guests of ${spec.image.runtime} cannot be saved.`);
        return null;
      }
      if (vmm.saving === undefined) {
        cannot(`machines of ${vmm.uri} cannot be saved.`);
        return null;
      }
      try {
        const name = await nameOf(spec, runtime);
        const doing = underWay.get(name) ?? findOrMake(name, spec).finally(() => underWay.delete(name));
        underWay.set(name, doing);
        return await doing;
      } catch (thrown) {
        cannot(toFirstlightError(thrown).message);
        return null;
      }
    },
    remove: async ({ name }) => {
      await store
        .remove(name)
        .catch((thrown) => log(`The saved machine ${name} stays: ${toFirstlightError(thrown).message}`));
    },
  };
}

let model: string | undefined;
/** It stays the same, and takes a reading of all processors. */
function processorModel(): string {
  model ??= cpus()[0]?.model ?? '';
  return model;
}

const bytesOf = (files: readonly { readonly storedBytes: number }[]) =>
  files.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
