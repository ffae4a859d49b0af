/** Bundles on disk by id, and which one a project's files gave last. Everything here can be made again. */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Bundle } from '#core/runtime/bundle.ts';
import { problemSchema } from '#shared/model/problem.ts';
import { projectConfigSchema } from '#shared/model/project.ts';
import { type BundleId, bundleIdSchema, type ProjectId } from '#shared/model/units.ts';
import type { Layout } from '../store/layout.ts';
import { readJson } from '../store/read-json.ts';
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

/** What must be as it was for a bundle to be what building would give again. */
const recordSchema = z.object({
  bundleId: bundleIdSchema,
  key: z.string(),
  /** Inputs and the configuration files beside them. A file that was absent has an empty digest. */
  files: z.array(z.object({ path: z.string(), sha256: z.string() })),
  /** Folders of the project's own sources: a new file there may be what an import finds. */
  dirs: z.array(z.object({ path: z.string(), sha256: z.string() })),
});

export interface BundleCache {
  readonly load: (id: BundleId) => Promise<Bundle | null>;
  readonly store: (bundle: Bundle) => Promise<void>;
  /** The bundle of the project's files as they are on disk now, when nothing that went into it changed. */
  readonly lookUp: (projectId: ProjectId, key: string) => Promise<Bundle | null>;
  readonly remember: (projectId: ProjectId, key: string, bundle: Bundle) => Promise<void>;
  /** Keeps the newest `keep` bundles. */
  readonly prune: (keep: number) => Promise<void>;
}

/** The cache in `layout.bundlesDir`. */
export function createBundleCache(layout: Layout): BundleCache {
  const pathOf = (id: BundleId) => join(layout.bundlesDir, `${id}.json`);
  const recordOf = (projectId: ProjectId) => join(layout.buildsDir, `${projectId}.bundle.json`);

  async function load(id: BundleId): Promise<Bundle | null> {
    const found = await readJson(pathOf(id), bundleFileSchema);
    return found.ok && found.value?.id === id ? found.value : null;
  }

  return {
    load,
    store: async (bundle) => {
      await layout.ensure(layout.bundlesDir);
      if ((await stat(pathOf(bundle.id)).catch(undefinedIfMissing)) !== undefined) return;
      await writeAtomic(pathOf(bundle.id), JSON.stringify(bundle), { durable: false });
    },

    lookUp: async (projectId, key) => {
      const found = await readJson(recordOf(projectId), recordSchema);
      if (!found.ok || found.value?.key !== key) return null;
      const { files, dirs, bundleId } = found.value;
      for (const { path, sha256 } of files) if ((await digestFile(path)) !== sha256) return null;
      for (const { path, sha256 } of dirs) if ((await digestDir(path)) !== sha256) return null;
      const bundle = await load(bundleId);
      // A bundle in use stays: the newest by this time are kept.
      if (bundle !== null) await utimes(pathOf(bundleId), new Date(), new Date()).catch(undefinedIfMissing);
      return bundle;
    },

    remember: async (projectId, key, bundle) => {
      const own = bundle.inputs.filter((input) => !input.path.includes('node_modules/'));
      const dirs = [...new Set(own.map((input) => dirname(join(bundle.projectDir, input.path))))];
      const files = bundle.inputs.map((input) => ({ path: join(bundle.projectDir, input.path), sha256: input.sha256 }));
      for (const path of configFilesOf(bundle)) files.push({ path, sha256: await digestFile(path) });
      const record: z.output<typeof recordSchema> = {
        bundleId: bundle.id,
        key,
        files,
        dirs: await Promise.all(dirs.map(async (path) => ({ path, sha256: await digestDir(path) }))),
      };
      await layout.ensure(layout.buildsDir);
      await writeAtomic(recordOf(projectId), JSON.stringify(record), { durable: false });
    },

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

async function digestFile(path: string): Promise<string> {
  const content = await readFile(path).catch(undefinedIfMissing);
  return content === undefined ? '' : sha256(content);
}

async function digestDir(path: string): Promise<string> {
  const entries = (await readdir(path, { withFileTypes: true }).catch(undefinedIfMissing)) ?? [];
  const lines = entries.map((entry) => `${entry.isDirectory() ? 'd' : 'f'} ${entry.name}`);
  return sha256(lines.sort().join('\n'));
}

export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
