/** Bases: disks with the files of a runtime, such as Node.js and its libraries, that many images share. */
import { chmod, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BootParts, type DiskLayout, diskLayoutSchema, writeDisk } from '@firstlight/disk';
import { createFileTree, type FileTree, mapInBatches, type TreeNode } from '@firstlight/files';
import { z } from 'zod';
import { type BaseFacts, type BasePlan, baseFactsSchema, type PlanContext } from '#core/programs/base-plan.ts';
import type { Bases, BuildContext } from '#core/runtime/images.ts';
import { sha256 } from '#core/store/digest.ts';
import { createDirectoryStore } from '#core/store/directory-store.ts';
import { type Layout, readableFileMode } from '#core/store/layout.ts';
import { readJson } from '#core/store/read-json.ts';
import { createSingleFlight } from '#core/store/single-flight.ts';
import { namesIn, undefinedIfMissing, writeAtomic } from '#core/store/write-atomic.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type StampedFile, stampedFileSchema, stampTree, unchanged } from './stamp-files.ts';

/** A base on disk. */
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
  /** The key of the plan: the same key gives the same plan, as long as the host's files are unchanged. */
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
  /** The plan and its digest, without a disk: a part of an image's id. */
  readonly look: (
    request: BaseRequest,
    context?: PlanContext,
  ) => Promise<{ readonly plan: BasePlan; readonly digest: string }>;
  /** The base, made if necessary. Errors: as `writeDisk` and the plan; CONFLICT when files change during the work. */
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
/** An image on this base may be in the making. */
const recentMs = 30 * 60_000;

/** The bases in `layout.basesDir`, each a folder that appears whole or not at all. */
export function createBaseStore(layout: Layout): BaseStore {
  const store = createDirectoryStore({
    layout,
    root: layout.basesDir,
    kind: 'base',
    manifestName: layoutName,
    schema: diskLayoutSchema,
    isName: (name) => digestPattern.test(name),
    isWhole: async (dir, disk, name) => {
      const file = await stat(join(dir, diskName)).catch(undefinedIfMissing);
      return disk.digest === name && file?.size === disk.bytes;
    },
  });
  const diskOf = (digest: string) => join(store.dirOf(digest), diskName);
  /** By the request: finding a program's needs takes longer than checking that no file has changed. */
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

  async function make(
    { plan, files, digest }: Looked,
    { boot }: BaseRequest,
    { signal, progress }: BuildContext,
  ): Promise<DiskLayout> {
    return await store.withTemp(async (temp) => {
      const path = join(temp, diskName);
      const onProgress = (fraction: number) => progress({ step: 'base', message: 'Writing the base', fraction });
      const disk = await writeDisk(path, { tree: plan.tree, boot, digest }, { signal, onProgress });
      // The digest is that of the files as they were read: they must not have changed while they were written.
      if (!(await unchanged(files))) throw filesChanged();
      await chmod(path, readableFileMode);
      return await store.publish(temp, digest, disk);
    });
  }

  async function ensureNow(request: BaseRequest, context: BuildContext): Promise<Base> {
    const looked = await look(request, context);
    const { plan, digest } = looked;
    const there = await store.find(digest);
    if (there !== null) {
      await store.touch(digest);
      await layout.takeBack(diskOf(digest));
    }
    const disk = there ?? (await make(looked, request, context));
    return { digest, path: diskOf(digest), layout: disk, tree: plan.tree, facts: plan.facts, reused: there !== null };
  }

  const isRecent = (atMs: number | null | undefined) => atMs != null && Date.now() - atMs < recentMs;

  /**
   * A rebuilt program leaves a record each time: a record without its base contains nothing that cannot be found again.
   */
  async function pruneRecords(): Promise<void> {
    for (const name of await namesIn(layout.buildsDir)) {
      const path = join(layout.buildsDir, name);
      if (!name.endsWith(recordEnding)) continue;
      if (isRecent((await stat(path).catch(undefinedIfMissing))?.mtimeMs)) continue;
      const record = await readJson(path, recordSchema);
      if (!record.ok || (record.value !== undefined && (await store.find(record.value.digest)) === null))
        await rm(path, { force: true });
    }
  }

  return {
    look,
    ensure: (request, context) => making.share(request.key, context.signal, () => ensureNow(request, context)),
    has: async (digest) => (await store.find(digest)) !== null,
    list: async () =>
      await mapInBatches(await store.names(), async (digest) => {
        const file = await stat(diskOf(digest)).catch(undefinedIfMissing);
        return { digest, bytes: (file?.blocks ?? 0) * 512 };
      }),
    prune: async (used) => {
      for (const digest of await store.names()) {
        if (!used.has(digest) && !isRecent(await store.usedAtMs(digest))) await store.remove(digest);
      }
      await pruneRecords();
    },
  };
}

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
    else builder.add(file.path, fileOf(file));
  }
  return builder.tree;
}

function fileOf(file: Extract<StampedFile, { kind: 'data' | 'file' }>): TreeNode {
  const own = file.mode === undefined ? {} : { mode: file.mode };
  if (file.kind === 'file')
    return { kind: 'file', content: { kind: 'host', path: file.host }, bytes: file.bytes, ...own };
  const data = Buffer.from(file.base64, 'base64');
  return { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length, ...own };
}
