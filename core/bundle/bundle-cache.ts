/** Bundles on disk by id, and the last bundle of each project. All of it can be rebuilt. */
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Bundle } from '#core/runtime/bundle.ts';
import { problemSchema } from '#shared/model/problem.ts';
import { projectConfigSchema } from '#shared/model/project.ts';
import { type BundleId, bundleIdSchema, type ProjectId } from '#shared/model/units.ts';
import { sha256 } from '../store/digest.ts';
import type { Layout } from '../store/layout.ts';
import { readJson } from '../store/read-json.ts';
import { readRegularFile } from '../store/read-regular-file.ts';
import { namesIn, removeTemps, undefinedIfMissing, writeAtomic } from '../store/write-atomic.ts';

const inputSchema = z.object({ path: z.string(), sha256: z.string(), bytes: z.number() });

const bundleFileSchema = z.object({
  id: bundleIdSchema,
  config: projectConfigSchema,
  code: z.string(),
  format: z.enum(['esm', 'cjs']),
  sourceMap: z.string(),
  projectDir: z.string(),
  inputs: z.array(inputSchema),
  files: z
    .array(
      z.union([z.object({ guest: z.string(), host: z.string() }), z.object({ guest: z.string(), link: z.string() })]),
    )
    .optional(),
  warnings: z.array(problemSchema),
});

/** The state in which a cached bundle still equals the result of a build. */
const recordSchema = z.object({
  bundleId: bundleIdSchema,
  key: z.string(),
  /** Inputs and the configuration files beside them. A file that was absent has an empty digest. */
  files: z.array(z.object({ path: z.string(), sha256: z.string(), stamp: z.string() })),
  /** Folders of the project's own sources: an import may resolve to a new file there. */
  dirs: z.array(z.object({ path: z.string(), sha256: z.string(), stamp: z.string() })),
});
type BuildRecord = z.output<typeof recordSchema>;
type Recorded = BuildRecord['files'][number];

export interface BundleCache {
  readonly load: (id: BundleId) => Promise<Bundle | null>;
  readonly store: (bundle: Bundle) => Promise<void>;
  /** The bundle of the project's files as they are on disk now, when none of its inputs changed. */
  readonly lookUp: (projectId: ProjectId, key: string) => Promise<FoundBundle | null>;
  /** Units: `startedAtMs` is when the build began; later changes are compared by content the next time. */
  readonly remember: (projectId: ProjectId, key: string, bundle: Bundle, startedAtMs: number) => Promise<void>;
  /** Frees the memory used for a project. */
  readonly forget: (projectId: ProjectId) => void;
  /** Keeps the newest `keep` bundles. */
  readonly prune: (keep: number) => Promise<void>;
}

export interface FoundBundle {
  readonly bundle: Bundle;
  /** All files and folders whose change would make another bundle. Some may be absent. */
  readonly sources: readonly string[];
}

interface Latest {
  readonly record: BuildRecord;
  /** Null until first needed. */
  readonly bundle: Bundle | null;
}

/** The cache in `layout.bundlesDir`. */
export function createBundleCache(layout: Layout): BundleCache {
  const pathOf = (id: BundleId) => join(layout.bundlesDir, `${id}.json`);
  const recordOf = (projectId: ProjectId) => join(layout.buildsDir, `${projectId}.bundle.json`);

  /** The last bundle of each open project, so that "nothing changed" costs only a check of its files. */
  const latest = new Map<ProjectId, Latest>();

  async function load(id: BundleId): Promise<Bundle | null> {
    const found = await readJson(pathOf(id), bundleFileSchema);
    return found.ok && found.value?.id === id ? found.value : null;
  }

  async function readRecord(projectId: ProjectId): Promise<Latest | null> {
    const found = await readJson(recordOf(projectId), recordSchema);
    return found.ok && found.value !== undefined ? { record: found.value, bundle: null } : null;
  }

  return {
    load,
    store: async (bundle) => {
      await layout.ensure(layout.bundlesDir);
      if ((await stat(pathOf(bundle.id)).catch(undefinedIfMissing)) !== undefined) return;
      await writeAtomic(pathOf(bundle.id), JSON.stringify(bundle), { durable: false });
    },

    lookUp: async (projectId, key) => {
      const last = latest.get(projectId) ?? (await readRecord(projectId));
      if (last === null || last.record.key !== key) return null;
      const { record } = last;
      if (!(await isUnchanged(record))) return null;
      const [bundle, isKept] = await Promise.all([
        last.bundle ?? load(record.bundleId),
        // A bundle in use stays: the newest by this time are kept.
        utimes(pathOf(record.bundleId), new Date(), new Date()).then(() => true, undefinedIfMissing),
      ]);
      if (bundle === null || isKept === undefined) return null;
      latest.set(projectId, { record, bundle });
      return { bundle, sources: [...record.files, ...record.dirs].map(({ path }) => path) };
    },

    remember: async (projectId, key, bundle, startedAtMs) => {
      const withStamp = async ({ path, sha256 }: Pick<Recorded, 'path' | 'sha256'>): Promise<Recorded> => ({
        path,
        sha256,
        stamp: await stampOf(path, startedAtMs - granularityMs),
      });
      const own = bundle.inputs.filter((input) => !input.path.includes('node_modules/'));
      const dirs = [...new Set(own.map((input) => dirname(join(bundle.projectDir, input.path))))];
      const inputs = bundle.inputs.map(({ path, sha256 }) => ({ path: join(bundle.projectDir, path), sha256 }));
      const configFiles = configFilesOf(bundle).map(async (path) => ({ path, sha256: await digestIfThere(path) }));
      const ofDirs = dirs.map(async (path) => ({ path, sha256: await digestDir(path) }));
      const record: BuildRecord = {
        bundleId: bundle.id,
        key,
        files: await Promise.all([...inputs, ...(await Promise.all(configFiles))].map(withStamp)),
        dirs: await Promise.all((await Promise.all(ofDirs)).map(withStamp)),
      };
      latest.set(projectId, { record, bundle });
      await layout.ensure(layout.buildsDir);
      await writeAtomic(recordOf(projectId), JSON.stringify(record), { durable: false });
    },

    forget: (projectId) => void latest.delete(projectId),

    prune: async (keep) => {
      const found: { path: string; mtimeMs: number }[] = [];
      for (const name of await namesIn(layout.bundlesDir)) {
        const path = join(layout.bundlesDir, name);
        const stats = name.endsWith('.json') ? await stat(path).catch(undefinedIfMissing) : undefined;
        if (stats !== undefined) found.push({ path, mtimeMs: stats.mtimeMs });
      }
      found.sort((a, b) => b.mtimeMs - a.mtimeMs);
      for (const { path } of found.slice(keep)) await rm(path, { force: true });
      await removeTemps(layout.bundlesDir);
    },
  };
}

/** Files that steer how imports are resolved and code is compiled, though they do not go into the bundle. */
function configFilesOf(bundle: Bundle): string[] {
  const dirs = new Set([bundle.projectDir]);
  for (const { path } of bundle.inputs) {
    const inPackage = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
    dirs.add(join(bundle.projectDir, inPackage ?? dirname(path)));
  }
  return [...dirs].flatMap((dir) => [join(dir, 'package.json'), join(dir, 'tsconfig.json')]);
}

/** True while every file and folder is as recorded. A file with another stamp may still have the same content. */
async function isUnchanged({ files, dirs }: BuildRecord): Promise<boolean> {
  const areSame = async (some: readonly Recorded[], digest: (path: string) => Promise<string>) =>
    (await Promise.all(some.map((one) => isSame(one, digest)))).every(Boolean);
  // A person edits sources: after an edit the other files need no check.
  const isSource = ({ path }: Recorded) => sourceFile.test(path) && !path.includes('/node_modules/');
  if (!(await areSame(files.filter(isSource), digestIfThere))) return false;
  const others = areSame(
    files.filter((file) => !isSource(file)),
    digestIfThere,
  );
  return (await Promise.all([others, areSame(dirs, digestDir)])).every(Boolean);
}

async function isSame({ path, sha256, stamp }: Recorded, digest: (path: string) => Promise<string>): Promise<boolean> {
  return (await stampOf(path)) === stamp || (await digest(path)) === sha256;
}

/** A file that esbuild compiled has fewer bytes. */
const maxFileBytes = 64 << 20;
const sourceFile = /\.[cm]?[jt]sx?$/;
/** File systems stamp with a granularity of some ms. */
const granularityMs = 20;

/** A stamp that changes whenever a file's content may have: no program can set its ctime. Empty when absent. */
async function stampOf(path: string, latestMs = Number.POSITIVE_INFINITY): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(undefinedIfMissing);
  if (found === undefined) return '';
  // It may have changed after its content was read, so the stamp matches no file.
  if (Number(found.ctimeMs) > latestMs) return 'unknown';
  return `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

/** The digest of a file; empty when there is none. A pipe or a device, which was a file at the build, has changed. */
async function digestIfThere(path: string): Promise<string> {
  try {
    const content = await readRegularFile(path, maxFileBytes);
    return content === undefined ? '' : sha256(content);
  } catch {
    return 'unreadable';
  }
}

async function digestDir(path: string): Promise<string> {
  const entries = (await readdir(path, { withFileTypes: true }).catch(undefinedIfMissing)) ?? [];
  const lines = entries.map((entry) => `${entry.isDirectory() ? 'd' : 'f'} ${entry.name}`);
  return sha256(lines.sort().join('\n'));
}
