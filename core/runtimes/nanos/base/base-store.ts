/** Bases: disks with the files of a runtime, such as Node.js and its libraries, that many images stand on. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from '#core/bundle/bundle-cache.ts';
import { type BootParts, type DiskLayout, diskLayoutSchema, writeDisk } from '#core/images/disk/write-disk.ts';
import { createFileTree, type FileTree } from '#core/images/file-tree.ts';
import type { BuildContext } from '#core/runtimes/runtime.ts';
import { type Layout, readableFileMode } from '#core/store/layout.ts';
import { isAlive, thisProcess } from '#core/store/owner.ts';
import { readJson } from '#core/store/read-json.ts';
import { systemCode, toStoreError } from '#core/store/store-error.ts';
import { goneAsUndefined, isTempName, namesIn, writeAtomic } from '#core/store/write-atomic.ts';
import { problemSchema } from '#shared/model/problem.ts';
import { type StampedFile, stampedFileSchema, stampTree, unchanged } from './stamp-files.ts';

/** What a person's program needs besides itself, and what was found out about it on the way. */
export interface BasePlan {
  readonly tree: FileTree;
  readonly facts: BaseFacts;
}

const factsSchema = z.object({
  /** The program's path in the guest; null when it is not in the base. */
  program: z.string().nullable(),
  /** For a person: "Node.js 20.20.2 and 6 libraries". */
  description: z.string(),
  warnings: z.array(problemSchema),
  /** How it is started, where what the base was made of says so. */
  run: z
    .object({ args: z.array(z.string()), env: z.record(z.string(), z.string()), cwd: z.string().nullable() })
    .optional(),
});
export type BaseFacts = z.output<typeof factsSchema>;

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

/** What making a plan may use: an image may have to be fetched for it. */
export type PlanContext = Partial<BuildContext>;

export interface BaseRequest {
  /** Says how it is made: the same words give the same plan, as long as the host's files are the same. */
  readonly key: string;
  readonly plan: (context: PlanContext) => Promise<BasePlan>;
  readonly boot: BootParts;
  /** Names the boot parts' content. */
  readonly bootDigest: string;
}

export interface BaseStore {
  /** The plan and its digest, without a disk: what goes into an image's id. */
  readonly look: (
    request: BaseRequest,
    context?: PlanContext,
  ) => Promise<{ readonly plan: BasePlan; readonly digest: string }>;
  /** The base, made if need be. Errors: as `writeDisk`; what the plan throws. */
  readonly ensure: (request: BaseRequest, context: BuildContext) => Promise<Base>;
  /** Drops those that no image of `used` stands on and that were not used for a while. */
  readonly prune: (used: ReadonlySet<string>) => Promise<void>;
}

const recordSchema = z.object({
  version: z.literal(1),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  facts: factsSchema,
  files: z.array(stampedFileSchema),
});
const diskName = 'disk.raw';
const layoutName = 'layout.json';
/** An image that stands on it may be under way. */
const recentMs = 30 * 60_000;

/** The bases in `layout.basesDir`, each a folder that appears whole or not at all. */
export function createBaseStore(layout: Layout): BaseStore {
  const { basesDir } = layout;
  const me = thisProcess();
  const dirOf = (digest: string) => join(basesDir, digest);
  /** By what was asked for: finding out what a program needs takes longer than seeing that nothing has changed. */
  const recordPath = (key: string) => join(layout.buildsDir, `${sha256(key).slice(0, 32)}.base.json`);
  const underWay = new Map<string, Promise<Base>>();

  async function look({ key, plan, bootDigest }: BaseRequest, context: PlanContext = {}) {
    const known = await readJson(recordPath(key), recordSchema);
    const record = known.ok ? known.value : undefined;
    if (
      record !== undefined &&
      record.digest === digestOf(record.files, bootDigest) &&
      (await unchanged(record.files))
    ) {
      return { plan: { tree: treeOf(record.files), facts: record.facts }, digest: record.digest };
    }
    const made = await plan(context);
    const files = await stampTree(made.tree);
    const digest = digestOf(files, bootDigest);
    await layout.ensure(layout.buildsDir);
    const fresh: z.input<typeof recordSchema> = { version: 1, digest, facts: made.facts, files };
    await writeAtomic(recordPath(key), JSON.stringify(fresh), { durable: false });
    return { plan: { tree: treeOf(files), facts: made.facts }, digest };
  }

  async function find(digest: string): Promise<DiskLayout | null> {
    const found = await readJson(join(dirOf(digest), layoutName), diskLayoutSchema);
    if (!found.ok || found.value?.digest !== digest) return null;
    const file = await stat(join(dirOf(digest), diskName)).catch(goneAsUndefined);
    return file?.size === found.value.bytes ? found.value : null;
  }

  async function make(
    digest: string,
    tree: FileTree,
    { boot }: BaseRequest,
    context: BuildContext,
  ): Promise<DiskLayout> {
    await layout.ensure(basesDir);
    await sweep();
    const temp = join(basesDir, `.base-${me.pid}-${me.startTicks}.${randomBytes(6).toString('hex')}.fl-tmp`);
    try {
      await mkdir(temp);
      await chmod(temp, 0o755);
      const path = join(temp, diskName);
      const onProgress = (fraction: number) =>
        context.progress({ step: 'base', message: 'Writing the base', fraction });
      const disk = await writeDisk(path, { tree, boot, digest }, { signal: context.signal, onProgress });
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
    try {
      await rename(temp, dirOf(digest));
    } catch (thrown) {
      if (systemCode(thrown) !== 'ENOTEMPTY' && systemCode(thrown) !== 'EEXIST') throw thrown;
      if ((await find(digest)) !== null) return;
      await rm(dirOf(digest), { recursive: true, force: true });
      await rename(temp, dirOf(digest));
    }
  }

  /** Ends what processes left that were killed in the middle. */
  async function sweep(): Promise<void> {
    for (const name of await namesIn(basesDir)) {
      const [, pid, startTicks] = /^\.base-(\d+)-(\d+)\./.exec(name) ?? [];
      if (pid === undefined || startTicks === undefined || !isTempName(name)) continue;
      if (!isAlive({ pid: Number(pid), startTicks, bootId: me.bootId })) {
        await rm(join(basesDir, name), { recursive: true, force: true });
      }
    }
  }

  async function ensureNow(request: BaseRequest, context: BuildContext): Promise<Base> {
    const { plan, digest } = await look(request, context);
    const there = await find(digest);
    if (there !== null) {
      const now = new Date();
      await utimes(join(dirOf(digest), layoutName), now, now).catch(goneAsUndefined);
    }
    const disk = there ?? (await make(digest, plan.tree, request, context));
    const path = join(dirOf(digest), diskName);
    return { digest, path, layout: disk, tree: plan.tree, facts: plan.facts, reused: there !== null };
  }

  return {
    look,
    ensure: (request, context) => {
      const known = underWay.get(request.key);
      if (known !== undefined) return known;
      const making = ensureNow(request, context).finally(() => underWay.delete(request.key));
      underWay.set(request.key, making);
      return making;
    },
    prune: async (used) => {
      for (const name of await namesIn(basesDir)) {
        if (used.has(name) || !/^[0-9a-f]{64}$/.test(name)) continue;
        const stats = await stat(join(basesDir, name, layoutName)).catch(goneAsUndefined);
        if (stats !== undefined && Date.now() - stats.mtimeMs < recentMs) continue;
        await rm(join(basesDir, name), { recursive: true, force: true });
      }
    },
  };
}

/** Independent of the order in which a file's fields stand, which a record that was read may have otherwise. */
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
