import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { BuildContext as EsbuildContext, BuildResult as EsbuildResult } from 'esbuild';
import type { Progress } from '#shared/contract/define.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Project, ProjectConfig } from '#shared/model/project.ts';
import { type BundleId, bundleIdSchema, type ProjectId } from '#shared/model/units.ts';
import type { Layout } from '../store/layout.ts';
import type { Bundle } from './bundle.ts';
import { createBundleCache, sha256 } from './bundle-cache.ts';
import { buildFailed, checkEntry, checkExport, validConfig } from './check-project.ts';
import { digestInputs, type KnownDigests } from './digest-inputs.ts';
import { explainUrlImport, toProblems } from './problems.ts';

/** A bundle, and why it was made or not. */
export interface BundleOutcome {
  readonly bundle: Bundle;
  /** True when an earlier bundle served, so that nothing was compiled. */
  readonly reused: boolean;
}

export interface BundleRequest {
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/** Turns projects into bundles. A project that was built once is kept warm, so that the next build takes milliseconds. */
export interface Bundler {
  /**
   * The bundle of what is on disk now.
   *
   * Errors: PROJECT_INVALID, ENTRY_MISSING, BUILD_FAILED, EXPORT_MISSING (each with `details.problems`), CANCELLED, DISK_FULL.
   */
  readonly bundle: (project: Project, request: BundleRequest) => Promise<BundleOutcome>;
  /** A bundle made before, also by another process; null when it is no longer kept. */
  readonly load: (id: BundleId) => Promise<Bundle | null>;
  /** Lets go of what is kept warm for a project. */
  readonly release: (projectId: ProjectId) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface BundlerOptions {
  readonly layout: Layout;
  /** Goes into every bundle's id. */
  readonly version: string;
}

/** Long enough for a pause in editing; a warm project costs some MB in esbuild. */
const idleMs = 10 * 60_000;
const bundlesKept = 200;

interface Warm {
  readonly key: string;
  readonly context: EsbuildContext<ReturnType<typeof esbuildOptions>>;
  readonly digests: KnownDigests;
  idle: NodeJS.Timeout | undefined;
}

/** A bundler. Loads esbuild with the first project that needs compiling. Call `close` when done. */
export function createBundler({ layout, version }: BundlerOptions): Bundler {
  const cache = createBundleCache(layout);
  const warm = new Map<ProjectId, Promise<Warm>>();
  /** Builds of one project follow each other: esbuild joins rebuilds that overlap, and would answer with an old one. */
  const queue = new Map<ProjectId, Promise<BundleId | undefined>>();
  let pruned = false;

  async function warmUp(project: Project, config: ProjectConfig, key: string): Promise<Warm> {
    const before = await warm.get(project.id)?.catch(() => undefined);
    if (before !== undefined && before.key === key) return before;
    await release(project.id);
    const making = import('esbuild').then(async (esbuild) => ({
      key,
      context: await esbuild.context(esbuildOptions(project.dir, config)),
      digests: new Map(),
      idle: undefined,
    }));
    warm.set(project.id, making);
    making.catch(() => warm.delete(project.id));
    return making;
  }

  async function release(projectId: ProjectId): Promise<void> {
    const found = warm.get(projectId);
    warm.delete(projectId);
    const kept = await found?.catch(() => undefined);
    clearTimeout(kept?.idle);
    await kept?.context.dispose();
  }

  async function compile(project: Project, config: ProjectConfig, key: string, signal: AbortSignal): Promise<Bundle> {
    const startedAtMs = Date.now();
    const kept = await warmUp(project, config, key);
    clearTimeout(kept.idle);
    kept.idle = setTimeout(() => void release(project.id), idleMs).unref();
    const result = await rebuild(kept.context, config, signal);
    const inputs = await digestInputs(project.dir, Object.keys(result.metafile.inputs), kept.digests);
    const bundle = bundleOf(project, config, result, inputs.files, version);
    await cache.store(bundle);
    // A file saved while esbuild read may have been read before or after: then the next build looks again. File
    // systems stamp with a granularity of some ms.
    if (inputs.newestMs < startedAtMs - 20) await cache.remember(project.id, key, bundle);
    return bundle;
  }

  async function bundleOnce(
    project: Project,
    { signal, progress }: BundleRequest,
    before: BundleId | undefined,
  ): Promise<BundleOutcome> {
    throwIfCancelled(signal);
    const config = validConfig(project);
    await checkEntry(project, config);
    const options = esbuildOptions(project.dir, config);
    const key = sha256(JSON.stringify([version, await esbuildVersion(), options, config.name, config.env]));
    if (!warm.has(project.id)) {
      const found = await cache.lookUp(project.id, key);
      if (found !== null) return { bundle: { ...found, config, projectDir: project.dir }, reused: true };
    }
    progress({ step: 'bundle', message: `Compiling ${config.entry}` });
    const bundle = await compile(project, config, key, signal);
    throwIfCancelled(signal);
    if (!pruned) {
      pruned = true;
      await cache.prune(bundlesKept);
    }
    return { bundle, reused: before === bundle.id };
  }

  return {
    bundle: (project, request) => {
      const turn = (queue.get(project.id) ?? Promise.resolve(undefined)).then((before) =>
        bundleOnce(project, request, before),
      );
      const id = turn.then((outcome) => outcome.bundle.id);
      // What failed says nothing of the one after it.
      queue.set(
        project.id,
        id.catch(() => undefined),
      );
      return turn;
    },
    load: cache.load,
    release,
    close: async () => {
      await Promise.all([...warm.keys()].map(release));
    },
  };
}

/** The version that would compile, without loading it: an upgrade makes every bundle anew. */
async function esbuildVersion(): Promise<string> {
  const path = createRequire(import.meta.url).resolve('esbuild/package.json');
  return JSON.parse(await readFile(path, 'utf8')).version;
}

function esbuildOptions(projectDir: string, config: ProjectConfig) {
  return {
    absWorkingDir: projectDir,
    entryPoints: [join(projectDir, config.entry)],
    outfile: join(projectDir, 'bundle.js'),
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'neutral',
    // What QuickJS-ng runs.
    target: 'es2023',
    // A package's build for browsers or workers asks for no Node.js.
    mainFields: ['browser', 'module', 'main'],
    conditions: ['worker', 'browser', 'module'],
    loader: { '.txt': 'text', '.md': 'text', '.html': 'text', '.css': 'text', '.svg': 'text', '.bin': 'binary' },
    define: { 'process.env.NODE_ENV': JSON.stringify(config.env.NODE_ENV ?? 'production') },
    sourcemap: 'external',
    sourcesContent: true,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
    plugins: [
      {
        name: 'firstlight-no-network',
        setup: (build: import('esbuild').PluginBuild) =>
          build.onResolve({ filter: /^https?:\/\// }, ({ path }) => ({ errors: [explainUrlImport(path)] })),
      },
    ],
  } as const satisfies import('esbuild').BuildOptions;
}

type Built = EsbuildResult<ReturnType<typeof esbuildOptions>>;

async function rebuild(context: Warm['context'], config: ProjectConfig, signal: AbortSignal): Promise<Built> {
  const cancel = () => void context.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return (await context.rebuild()) as Built;
  } catch (thrown) {
    throwIfCancelled(signal);
    const failure = thrown as Partial<import('esbuild').BuildFailure>;
    if (failure.errors === undefined) throw thrown;
    const problems = [...toProblems(failure.errors, 'error'), ...toProblems(failure.warnings ?? [], 'warning')];
    throw buildFailed(config, problems);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

function bundleOf(
  project: Project,
  config: ProjectConfig,
  result: Built,
  inputs: Bundle['inputs'],
  version: string,
): Bundle {
  const output = (suffix: string) => result.outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? '';
  const code = output('bundle.js');
  const sourceMap = output('bundle.js.map');
  checkExport(config, result.metafile);
  const id = bundleIdSchema.parse(
    sha256(JSON.stringify([version, config.name, config.env, sha256(code), sha256(sourceMap)])),
  );
  return {
    id,
    config,
    code,
    sourceMap,
    projectDir: project.dir,
    inputs,
    warnings: toProblems(result.warnings, 'warning'),
  };
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new FirstlightError('CANCELLED', 'The build was cancelled.');
}
