/** Bases: disks with the files of a runtime, such as Node.js and its libraries, that many images stand on. */
import { chmod, mkdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { type BootParts, type DiskLayout, diskLayoutSchema, writeDisk } from '@firstlight/disk';
import { createFileTree, type FileTree, mapInBatches } from '@firstlight/files';
import { z } from 'zod';
import { sha256 } from '#core/bundle/bundle-cache.ts';
import { type BaseFacts, type BasePlan, baseFactsSchema, type PlanContext } from '#core/programs/base-plan.ts';
import type { Bases, BuildContext } from '#core/runtime/runtime.ts';
import { type Layout, readableFileMode } from '#core/store/layout.ts';
import { createOwnedTemps } from '#core/store/owned-temps.ts';
import { readJson } from '#core/store/read-json.ts';
import { createSingleFlight } from '#core/store/single-flight.ts';
import { systemCode, toStoreError } from '#core/store/store-error.ts';
import { namesIn, undefinedIfMissing, writeAtomic } from '#core/store/write-atomic.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type StampedFile, stampedFileSchema, stampTree, unchanged } from './stamp-files.ts';

/** A base that is there. */
export interface Base {
  /** Names its content. */
  readonly digest: string;
  readonly path: string;
  readonly layout: DiskLayout;
  /** Every guest path of it. */
  readonly tree: FileTree;
  readonly facts: BaseFacts;
  readonly reused: boolean;
}

export interface BaseRequest {
  /** Says how it is made: the same words give the same plan, as long as the host's files are the same. */
  readonly key: string;
  readonly plan: (context: PlanContext) => Promise<BasePlan>;
  readonly boot: BootParts;
  /** Names the boot parts' content. */
  readonly bootDigest: string;
}

interface Looked {
  readonly plan: BasePlan;
  readonly files: readonly StampedFile[];
  readonly digest: string;
}

export interface BaseStore extends Bases {
  /** The plan and its digest, without a disk: what goes into an image's id. */
  readonly look: (
    request: BaseRequest,
    context?: PlanContext,
  ) => Promise<{ readonly plan: BasePlan; readonly digest: string }>;
  /** The base, made if need be. Errors: as `writeDisk`; CONFLICT when files change meanwhile; what the plan throws. */
  readonly ensure: (request: BaseRequest, context: BuildContext) => Promise<Base>;
}

const digestPattern = /^[0-9a-f]{64}$/;
const recordSchema = z.object({
  version: z.literal(1),
  digest: z.string().regex(digestPattern),
  facts: baseFactsSchema,
  files: z.array(stampedFileSchema),
});
const diskName = 'disk.raw';
const layoutName = 'layout.json';
const recordEnding = '.base.json';
/** An image that stands on it may be under way. */
const recentMs = 30 * 60_000;

/** The bases in `layout.basesDir`, each a folder that appears whole or not at all. */
export function createBaseStore(layout: Layout): BaseStore {
  const { basesDir } = layout;
  const temps = createOwnedTemps(basesDir, 'base');
  const dirOf = (digest: string) => join(basesDir, digest);
  /** By what was asked for: finding out what a program needs takes longer than seeing that nothing has changed. */
  const recordPath = (key: string) => join(layout.buildsDir, `${sha256(key).slice(0, 32)}${recordEnding}`);
  const making = createSingleFlight<Base>('The build was cancelled.');

  async function look({ key, plan, bootDigest }: BaseRequest, context: PlanContext = {}): Promise<Looked> {
    const known = await readJson(recordPath(key), recordSchema);
    const record = known.ok ? known.value : undefined;
    if (
      record !== undefined &&
      record.digest === digestOf(record.files, bootDigest) &&
      (await unchanged(record.files))
    ) {
      return { plan: { tree: treeOf(record.files), facts: record.facts }, files: record.files, digest: record.digest };
    }
    const made = await plan(context);
    const files = await stampTree(made.tree);
    const digest = digestOf(files, bootDigest);
    await layout.ensure(layout.buildsDir);
    const fresh: z.input<typeof recordSchema> = { version: 1, digest, facts: made.facts, files };
    await writeAtomic(recordPath(key), JSON.stringify(fresh), { durable: false });
    return { plan: { tree: treeOf(files), facts: made.facts }, files, digest };
  }

  async function find(digest: string): Promise<DiskLayout | null> {
    const found = await readJson(join(dirOf(digest), layoutName), diskLayoutSchema);
    if (!found.ok || found.value?.digest !== digest) return null;
    const file = await stat(join(dirOf(digest), diskName)).catch(undefinedIfMissing);
    return file?.size === found.value.bytes ? found.value : null;
  }

  async function make(
    { plan, files, digest }: Looked,
    { boot }: BaseRequest,
    { signal, progress }: BuildContext,
  ): Promise<DiskLayout> {
    await layout.ensure(basesDir);
    await removeAll(await temps.abandoned());
    const temp = temps.newPath();
    try {
      await mkdir(temp);
      await chmod(temp, 0o755);
      const path = join(temp, diskName);
      const onProgress = (fraction: number) => progress({ step: 'base', message: 'Writing the base', fraction });
      const disk = await writeDisk(path, { tree: plan.tree, boot, digest }, { signal, onProgress });
      // What is named by its files as they were must have them so.
      if (!(await unchanged(files))) throw filesChanged();
      await chmod(path, readableFileMode);
      await writeAtomic(join(temp, layoutName), JSON.stringify(disk), { mode: 0o644, durable: false });
      await moveIntoPlace(temp, digest);
      return disk;
    } catch (thrown) {
      throw toStoreError(thrown, 'write the base', dirOf(digest));
    } finally {
      await rm(temp, { recursive: true, force: true });
    }
  }

  /** Another process may have been first with the same base, or a crash may have left half of one. */
  async function moveIntoPlace(temp: string, digest: string): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await rename(temp, dirOf(digest));
      } catch (thrown) {
        const taken = systemCode(thrown) === 'ENOTEMPTY' || systemCode(thrown) === 'EEXIST';
        if (!taken || attempt === 3) throw thrown;
        if ((await find(digest)) !== null) return;
        await remove(digest);
      }
    }
  }

  async function remove(digest: string): Promise<void> {
    // Out of sight at once, so that nobody finds it half-removed.
    const temp = temps.newPath();
    const moved = await rename(dirOf(digest), temp).then(
      () => true,
      (thrown: unknown) => undefinedIfMissing(thrown) ?? false,
    );
    if (moved) await removeAll([temp]);
  }

  async function ensureNow(request: BaseRequest, context: BuildContext): Promise<Base> {
    const looked = await look(request, context);
    const { plan, digest } = looked;
    const there = await find(digest);
    if (there !== null) {
      const now = new Date();
      await utimes(join(dirOf(digest), layoutName), now, now).catch(undefinedIfMissing);
    }
    const disk = there ?? (await make(looked, request, context));
    const path = join(dirOf(digest), diskName);
    return { digest, path, layout: disk, tree: plan.tree, facts: plan.facts, reused: there !== null };
  }

  const digests = async () => (await namesIn(basesDir)).filter((name) => digestPattern.test(name));
  const isRecent = async (path: string) => {
    const stats = await stat(path).catch(undefinedIfMissing);
    return stats !== undefined && Date.now() - stats.mtimeMs < recentMs;
  };

  /** A program that is built anew leaves a record each time: one without its base says nothing that is not found out again. */
  async function pruneRecords(): Promise<void> {
    for (const name of await namesIn(layout.buildsDir)) {
      const path = join(layout.buildsDir, name);
      if (!name.endsWith(recordEnding) || (await isRecent(path))) continue;
      const record = await readJson(path, recordSchema);
      if (!record.ok || (record.value !== undefined && (await find(record.value.digest)) === null))
        await rm(path, { force: true });
    }
  }

  return {
    look,
    ensure: (request, context) => making.share(request.key, context.signal, () => ensureNow(request, context)),
    has: async (digest) => (await find(digest)) !== null,
    list: async () =>
      await mapInBatches(await digests(), async (digest) => {
        const file = await stat(join(dirOf(digest), diskName)).catch(undefinedIfMissing);
        return { digest, bytes: (file?.blocks ?? 0) * 512 };
      }),
    prune: async (used) => {
      for (const digest of await digests()) {
        if (!used.has(digest) && !(await isRecent(join(dirOf(digest), layoutName)))) await remove(digest);
      }
      await pruneRecords();
    },
  };
}

const removeAll = async (paths: readonly string[]) => {
  for (const path of paths) await rm(path, { recursive: true, force: true });
};

const filesChanged = () =>
  new FirstlightError('CONFLICT', 'Files that go into the image changed while it was written.', {
    hint: 'Build again when whatever installs or compiles them is done.',
  });

const digestOf = (files: readonly StampedFile[], bootDigest: string): string =>
  sha256(JSON.stringify(['base 2', bootDigest, files.map((file) => Object.entries(file).sort())]));

function treeOf(files: readonly StampedFile[]): FileTree {
  const builder = createFileTree();
  for (const file of files) {
    if (file.kind === 'directory') builder.add(file.path, { kind: 'directory' });
    else if (file.kind === 'symlink') builder.add(file.path, { kind: 'symlink', target: file.target });
    else if (file.kind === 'data') {
      const data = Buffer.from(file.base64, 'base64');
      builder.add(file.path, { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length });
    } else builder.add(file.path, { kind: 'file', content: { kind: 'host', path: file.host }, bytes: file.bytes });
  }
  return builder.tree;
}
