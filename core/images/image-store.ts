import { join } from 'node:path';
import { z } from 'zod';
import type { Bundle } from '#core/runtime/bundle.ts';
import type { BuildContext, BuiltImage } from '#core/runtime/images.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import { sha256 } from '#core/store/digest.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { BuildResult, BuildStep, Image } from '#shared/model/image.ts';
import type { Project, ProjectConfig, RuntimeId } from '#shared/model/project.ts';
import { type ImageId, imageIdSchema, type ProjectId, projectIdSchema } from '#shared/model/units.ts';
import type { BundleOutcome, Bundler } from '../bundle/bundler.ts';
import { validConfig } from '../bundle/check-project.ts';
import { checkTrust } from '../bundle/check-trust.ts';
import { locateStack, mapStack } from '../bundle/map-stack.ts';
import type { Layout } from '../store/layout.ts';
import { readJson } from '../store/read-json.ts';
import { createSingleFlight } from '../store/single-flight.ts';
import { namesIn, writeAtomic } from '../store/write-atomic.ts';
import { type BuildRecord, explainRebuild, explainReuse, optionsOf } from './explain-rebuild.ts';
import { createImageFiles, type Manifest, stampOf } from './image-files.ts';

/** The result of a build: the part for a person, and the values that a run needs. */
export interface Build {
  readonly result: BuildResult;
  readonly image: Image;
  readonly bundle: Bundle;
}

export interface SettledBuild {
  readonly build: Build;
  readonly sources: readonly string[];
}

export interface ImageStore {
  /**
   * The image of the project on disk now: built, or found.
   *
   * Errors: PROJECT_NOT_TRUSTED, those of `Bundler.bundle`, EVALUATION_THREW and EVALUATION_TIMEOUT (stack mapped to
   * the source), MEMORY_TOO_SMALL, KERNEL_MISSING, DISK_FULL, CANCELLED.
   */
  readonly build: (project: Project, context: BuildContext) => Promise<Build>;
  /**
   * The same build found again, with every file and folder whose change would make another. Null when something has
   * changed, or when they are not known for its runtime. Makes nothing. Errors: as `build`.
   */
  readonly settle: (project: Project, build: Build, context: BuildContext) => Promise<SettledBuild | null>;
  /** The complete images, newest first, each with the projects whose last build it is. */
  readonly list: () => Promise<StoredBuild[]>;
  /** The path of an image. Errors: NOT_FOUND when it is missing or incomplete. */
  readonly locate: (id: ImageId) => Promise<string>;
  /** Deletes an image. Errors: NOT_FOUND; CONFLICT for an image that is being made. */
  readonly remove: (id: ImageId) => Promise<void>;
  /**
   * Drops images, least recently used first, until they and their bases take `maxBytes` at most; then the bases without
   * an image. Never drops an image of `inUse`, or one used in the last minutes. Returns the freed bytes.
   */
  readonly pruneImages: (maxBytes: number, inUse: ReadonlySet<ImageId>) => Promise<number>;
}

export interface StoredBuild {
  readonly manifest: Manifest;
  readonly path: string;
  readonly projectIds: readonly ProjectId[];
}

export interface ImageStoreOptions {
  readonly layout: Layout;
  readonly bundler: Bundler;
  readonly runtimes: ReadonlyMap<RuntimeId, Runtime>;
}

/** An instance of another process may be about to boot an image used this recently. */
const recentMs = 10 * 60_000;

const buildRecordSchema: z.ZodType<BuildRecord> = z.object({
  imageId: z.string(),
  bundleId: z.string(),
  fingerprint: z.string(),
  env: z.record(z.string(), z.string()),
  options: z.string(),
  inputs: z.array(z.object({ path: z.string(), sha256: z.string(), bytes: z.number() })),
  builtAt: z.string(),
});

/** The images in `layout.imagesDir`, named by the sha256 of everything that went into them. */
export function createImageStore({ layout, bundler, runtimes }: ImageStoreOptions): ImageStore {
  const files = createImageFiles(layout);
  const making = createSingleFlight<Made>('The build was cancelled.');
  const recordEnding = '.image.json';
  const recordOf = (id: ProjectId) => join(layout.buildsDir, `${id}${recordEnding}`);

  /** The last builds as read, each with the stamp of its file: another process may write it. */
  const lastBuilds = new Map<ProjectId, { readonly stamp: string; readonly record: BuildRecord }>();

  async function lastBuild(id: ProjectId): Promise<BuildRecord | null> {
    const known = lastBuilds.get(id);
    if (known !== undefined && (await stampOf(recordOf(id)))?.text === known.stamp) return known.record;
    const found = await readJson(recordOf(id), buildRecordSchema);
    return found.ok ? (found.value ?? null) : null;
  }

  async function remember(id: ProjectId, record: BuildRecord): Promise<void> {
    await layout.ensure(layout.buildsDir);
    await writeAtomic(recordOf(id), JSON.stringify(record), { durable: false });
    const stamp = await stampOf(recordOf(id));
    if (stamp !== null) lastBuilds.set(id, { stamp: stamp.text, record });
  }

  interface Made {
    readonly manifest: Manifest;
    readonly steps: BuiltImage['steps'];
  }

  async function make(id: ImageId, bundle: Bundle, runtime: Runtime, context: BuildContext): Promise<Made> {
    let steps: BuiltImage['steps'] = [];
    const manifest = await files.publish(id, async (path) => {
      const built = await buildMapped(runtime, bundle, path, context);
      steps = built.steps;
      return {
        id,
        bundleId: bundle.id,
        runtime: runtime.id,
        bytes: built.bytes as Manifest['bytes'],
        sha256: built.sha256,
        minMemoryMiB: built.minMemoryMiB,
        ...(built.base !== undefined && { base: built.base }),
        ...(built.envAtLoad !== undefined && { envAtLoad: [...built.envAtLoad] }),
        ...(built.argsAtLoad !== undefined && { argsAtLoad: built.argsAtLoad }),
        ...(built.runtimeInfo !== undefined && { runtimeInfo: built.runtimeInfo }),
        ...(built.warnings !== undefined && { warnings: [...built.warnings] }),
        createdAt: new Date().toISOString(),
      };
    });
    return { manifest, steps };
  }

  /** The manifest of a bootable image: its base is there too. */
  async function findWhole(id: ImageId): Promise<Manifest | null> {
    const manifest = await files.find(id);
    if (manifest?.base === undefined) return manifest;
    return (await runtimes.get(manifest.runtime)?.bases?.has(manifest.base)) ? manifest : null;
  }

  async function listBases(): Promise<Map<string, { readonly bytes: number }>> {
    const lists = await Promise.all([...runtimes.values()].map(async ({ bases }) => (await bases?.list()) ?? []));
    return new Map(lists.flat().map((base) => [base.digest, base]));
  }

  /** The image of a bundle: made, or found. */
  async function imageFor(
    project: Project,
    { value: { bundle, reused }, durationMs }: Timed<BundleOutcome>,
    { runtime, fingerprint }: { readonly runtime: Runtime; readonly fingerprint: string },
    context: BuildContext,
  ): Promise<Omit<Build, 'result'> & { readonly result: Omit<BuildResult, 'buildMs'> }> {
    const id = idOf(runtime, fingerprint, bundle);
    const [last, found] = await Promise.all([lastBuild(project.id), findWhole(id)]);

    const options = optionsOf(bundle.config, runtime.bundling);
    const steps: BuildStep[] = [];
    const bundleSame = reused || last?.bundleId === bundle.id;
    steps.push({
      name: 'bundle',
      reused: bundleSame,
      reason: bundleSame
        ? last === null
          ? 'reused: its files are as they were'
          : explainReuse(last, last.imageId, last.builtAt)
        : explainRebuild(last, bundle, { options, fingerprint }),
      durationMs,
    });

    let manifest = found;
    const cached = manifest !== null;
    if (manifest === null) {
      const made = await making.share(id, context.signal, async () => {
        // An image without its base would be taken for the new one.
        await files.remove(id);
        return await make(id, bundle, runtime, context);
      });
      manifest = made.manifest;
      const reason = explainRebuild(last, bundle, { options, fingerprint });
      steps.push(...made.steps.map((step) => ({ ...step, reason: step.reason || reason })));
    } else {
      await files.touch(id);
      steps.push({ name: 'write', reused: true, reason: explainReuse(last, id, manifest.createdAt), durationMs: 0 });
    }
    checkMemory(manifest, bundle);
    if (last?.imageId !== id) {
      const { env } = bundle.config;
      const { id: bundleId, inputs } = bundle;
      const builtAt = cached ? manifest.createdAt : new Date().toISOString();
      await remember(project.id, { imageId: id, bundleId, fingerprint, env, options, inputs, builtAt });
    }
    const image = imageOf(manifest, bundle, files.pathOf(id));
    const warnings = [
      ...project.problems.filter((problem) => problem.severity === 'warning'),
      ...bundle.warnings,
      ...(manifest.warnings ?? []),
    ];
    return { bundle, image, result: { image, cached, steps, warnings } };
  }

  return {
    build: async (project, context) => {
      const startedAt = performance.now();
      // Before anything is under way: an exception later would leave an unawaited promise.
      const config = validConfig(project);
      checkTrust(project);
      const runtime = runtimeOf(runtimes, config);
      const working = [
        timed(bundler.bundle(project, context)),
        runtime.fingerprint(config, project.dir, context),
      ] as const;
      // No part of a failed build continues after the caller gets its error.
      await Promise.allSettled(working);
      const [outcome, fingerprint] = await Promise.all(working);
      const ending = [imageFor(project, outcome, { runtime, fingerprint }, context), outcome.value.saved] as const;
      await Promise.allSettled(ending);
      const [built] = await Promise.all(ending);
      return { ...built, result: { ...built.result, buildMs: performance.now() - startedAt } };
    },

    settle: async (project, { bundle, image }, context) => {
      const startedAt = performance.now();
      const config = validConfig(project);
      checkTrust(project);
      const runtime = runtimeOf(runtimes, config);
      if (runtime.fingerprintFiles === undefined || runtime.bundling.ownPaths(config).length > 0) return null;
      const outcome = await timed(bundler.settle(project, bundle.id, context));
      const { sources, bundle: found } = outcome.value;
      if (sources === undefined || found.id !== bundle.id) return null;
      const fingerprint = await runtime.fingerprint(config, project.dir, context);
      const isLast = (await lastBuild(project.id))?.imageId === image.id;
      if (!isLast || idOf(runtime, fingerprint, found) !== image.id || (await findWhole(image.id)) === null)
        return null;
      const again = await imageFor(project, outcome, { runtime, fingerprint }, context);
      return {
        build: { ...again, result: { ...again.result, buildMs: performance.now() - startedAt } },
        sources: [...sources, ...runtime.fingerprintFiles(config), recordOf(project.id)],
      };
    },

    list: async () => {
      const makers = new Map<string, ProjectId[]>();
      for (const name of await namesIn(layout.buildsDir)) {
        const id = projectIdSchema.safeParse(name.slice(0, -recordEnding.length));
        if (!name.endsWith(recordEnding) || !id.success) continue;
        const last = await lastBuild(id.data);
        if (last !== null) makers.set(last.imageId, [...(makers.get(last.imageId) ?? []), id.data]);
      }
      const found: StoredBuild[] = [];
      for (const { id } of await files.list()) {
        const manifest = await findWhole(id);
        if (manifest !== null) found.push({ manifest, path: files.pathOf(id), projectIds: makers.get(id) ?? [] });
      }
      return found.sort((a, b) => (a.manifest.createdAt < b.manifest.createdAt ? 1 : -1));
    },

    locate: async (id) => {
      if ((await findWhole(id)) !== null) return files.pathOf(id);
      throw new FirstlightError('NOT_FOUND', `There is no image ${id}.`, { hint: 'Build its project again.' });
    },

    remove: async (id) => {
      if (making.isUnderWay(id)) throw new FirstlightError('CONFLICT', `The image ${id} is being made.`);
      if (!(await files.list()).some((image) => image.id === id)) {
        throw new FirstlightError('NOT_FOUND', `There is no image ${id}.`, { hint: 'Read the list of images again.' });
      }
      await files.remove(id);
    },

    pruneImages: async (maxBytes, inUse) => {
      const images = await files.list();
      const bases = await listBases();
      const before = sum(images) + sum(bases.values());
      let total = before;
      const kept = new Set(images);
      for (const image of images) {
        const { id, bytes, base, usedAtMs } = image;
        if (total <= maxBytes) break;
        if (inUse.has(id) || making.isUnderWay(id) || Date.now() - usedAtMs < recentMs) continue;
        await files.remove(id);
        kept.delete(image);
        total -= bytes;
        // A base is dropped with its last image.
        if (![...kept].some((user) => user.base === base)) total -= bases.get(base ?? '')?.bytes ?? 0;
      }
      const used = new Set([...kept].flatMap(({ base }) => base ?? []));
      for (const runtime of runtimes.values()) await runtime.bases?.prune(used);
      return before - sum(kept) - sum((await listBases()).values());
    },
  };
}

const sum = (items: Iterable<{ readonly bytes: number }>) => [...items].reduce((total, { bytes }) => total + bytes, 0);

/** Builds; an exception from the function's evaluation is reported with its own source. */
async function buildMapped(runtime: Runtime, bundle: Bundle, path: string, context: BuildContext): Promise<BuiltImage> {
  try {
    return await runtime.buildImage(bundle, path, context);
  } catch (thrown) {
    if (!(thrown instanceof FirstlightError) || thrown.details.stack === undefined) throw thrown;
    const at = locateStack(bundle, thrown.details.stack);
    const problem = { severity: 'error', message: thrown.message, ...at } as const;
    throw new FirstlightError(thrown.code, thrown.message, {
      hint: thrown.hint,
      cause: thrown.cause,
      details: {
        ...thrown.details,
        stack: mapStack(bundle, thrown.details.stack),
        ...(at !== null && { problems: [problem] }),
      },
    });
  }
}

const idOf = (runtime: Runtime, fingerprint: string, bundle: Bundle): ImageId =>
  imageIdSchema.parse(sha256(JSON.stringify([runtime.id, fingerprint, bundle.id])));

function runtimeOf(runtimes: ReadonlyMap<RuntimeId, Runtime>, { runtime: id }: ProjectConfig): Runtime {
  const runtime = runtimes.get(id);
  if (runtime === undefined) throw new FirstlightError('INTERNAL', `No runtime ${id} is set up.`);
  return runtime;
}

function checkMemory(manifest: Manifest, bundle: Bundle): void {
  if (bundle.config.memoryMiB >= manifest.minMemoryMiB) return;
  throw new FirstlightError(
    'MEMORY_TOO_SMALL',
    `${bundle.config.name} has ${bundle.config.memoryMiB} MiB of memory and needs ${manifest.minMemoryMiB} MiB to boot.`,
    { hint: `Set "memoryMiB" to ${manifest.minMemoryMiB} or more in firstlight.json.` },
  );
}

function imageOf(manifest: Manifest, bundle: Bundle, path: string): Image {
  const { version: _, sha256: _sha256, stamp: _stamp, base: _base, warnings: _warnings, ...rest } = manifest;
  return { ...rest, functionName: bundle.config.name, path };
}

interface Timed<Value> {
  readonly value: Value;
  readonly durationMs: number;
}

async function timed<Value>(work: Promise<Value>): Promise<Timed<Value>> {
  const startedAt = performance.now();
  const value = await work;
  return { value, durationMs: performance.now() - startedAt };
}
