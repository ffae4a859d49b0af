import { resolve } from 'node:path';
import type { Bundle } from '#core/runtime/bundle.ts';
import type { BundleEngine, RuntimeBundling } from '#core/runtime/images.ts';
import { sha256 } from '#core/store/digest.ts';
import type { Progress } from '#shared/contract/define.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Project, ProjectConfig, RuntimeId } from '#shared/model/project.ts';
import { type BundleId, bundleIdSchema, type ProjectId } from '#shared/model/units.ts';
import type { Layout } from '../store/layout.ts';
import { addChains } from './add-chains.ts';
import { addShims, readShims, type Shims } from './add-shims.ts';
import { collectBeside, nothingBeside, rebuildBeside } from './beside.ts';
import { createBoundBuilds, hasDied, throwIfCancelled, wasStopped } from './bound-build.ts';
import { createBundleCache } from './bundle-cache.ts';
import { bundleOf } from './bundle-of.ts';
import { bundleProgram, digestOwnFiles } from './bundle-program.ts';
import { checkBeside, checkInputs } from './check-inputs.ts';
import {
  buildFailed,
  checkCompilerFiles,
  checkEntry,
  checkExport,
  compilerFilesOf,
  validConfig,
} from './check-project.ts';
import { chooseShims } from './choose-shims.ts';
import { type Context, compileAgain, type Result, rebuild } from './compile.ts';
import { compileScript } from './compile-script.ts';
import { convertForNode } from './convert-for-node.ts';
import { digestInputs, type KnownDigests } from './digest-inputs.ts';
import { type BuildMeans, esbuildOptions } from './esbuild-options.ts';
import { esbuildVersion } from './esbuild-version.ts';
import { createKept, isStandIn, type Kept } from './keep-packages.ts';
import { isWrapped } from './lambda.ts';
import { watchedGlobals } from './mark-globals.ts';
import { modulesAmong } from './node-modules.ts';
import { toProblems } from './problems.ts';
import { readSource } from './read-source.ts';
import { readTsconfig } from './tsconfig.ts';
import { valuesInImage } from './values-in-image.ts';
import { warnOfComputedImports } from './warn-of-computed-imports.ts';
import { warnOfDecorators } from './warn-of-decorators.ts';
import { warnOfLacks } from './warn-of-lacks.ts';
import { warnOfPlatforms } from './warn-of-platforms.ts';
import { warnOfProcesses } from './warn-of-processes.ts';

/** A bundle, and why it was made or not. */
export interface BundleOutcome {
  readonly bundle: Bundle;
  /** True when an earlier bundle was reused and nothing was compiled. */
  readonly reused: boolean;
  /** Settles when the bundle is on disk, for later processes; an image can be made meanwhile. Errors: DISK_FULL, STORE_UNUSABLE. */
  readonly saved: Promise<void>;
  /** The files and folders whose change would make another bundle, where an earlier one was found by them. Some may be absent. */
  readonly sources?: readonly string[] | undefined;
}

export interface BundleRequest {
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/** Turns projects into bundles. A project that was built once is kept warm, so that the next build takes milliseconds. */
export interface Bundler {
  /**
   * The bundle of the files on disk now.
   *
   * Errors: PROJECT_INVALID, ENTRY_MISSING, BUILD_FAILED, EXPORT_MISSING (each with `details.problems`), CANCELLED,
   * DISK_FULL.
   */
  readonly bundle: (project: Project, request: BundleRequest) => Promise<BundleOutcome>;
  /**
   * The same for a project that was just bundled as `id`, with its sources once none of them is too new to be trusted.
   * Another bundle is not kept: whoever asks for it next builds it and says why. Errors: as `bundle`.
   */
  readonly settle: (project: Project, id: BundleId, request: BundleRequest) => Promise<BundleOutcome>;
  /** A bundle made before, also by another process; null when it is no longer kept. */
  readonly load: (id: BundleId) => Promise<Bundle | null>;
  /** Releases the warm build state of a project. */
  readonly release: (projectId: ProjectId) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface BundlerOptions {
  readonly layout: Layout;
  /** Goes into every bundle's id. */
  readonly version: string;
  /** The folder of the shims, which define globals missing from a bare engine for code that names them. */
  readonly shimsDir: string;
  readonly runtimes: ReadonlyMap<RuntimeId, { readonly bundling: RuntimeBundling }>;
}

interface Request extends BundleRequest {
  /** Any other bundle is not kept. */
  readonly wanted?: BundleId;
}

/** Long enough for a pause in editing; a warm project costs some MB in esbuild. */
const idleMs = 10 * 60_000;
const bundlesKept = 200;

/** A bundle, and the work that keeps it. */
interface Made {
  readonly bundle: Bundle;
  readonly saved: readonly (Promise<void> | undefined)[];
}

function outcomeOf({ bundle, saved }: Made, reused: boolean, sources?: readonly string[]): BundleOutcome {
  const all = Promise.all(saved).then(() => undefined);
  // Whoever makes the image looks at it later.
  all.catch(() => undefined);
  return { bundle, reused, saved: all, sources };
}

interface Warm {
  readonly key: string;
  /** Packages that lie beside the bundle. */
  readonly kept: Kept;
  readonly context: Context;
  readonly digests: KnownDigests;
  idle: NodeJS.Timeout | undefined;
}

/** A bundler. Loads esbuild with the first project that needs compiling. Call `close` when done. */
export function createBundler({ layout, version, shimsDir, runtimes }: BundlerOptions): Bundler {
  const cache = createBundleCache(layout);
  const warm = new Map<ProjectId, Promise<Warm>>();
  /** Builds of one project follow each other: esbuild joins overlapping rebuilds and would return an old result. */
  const queue = new Map<ProjectId, Promise<BundleId | undefined>>();
  let pruned = false;
  let shims: Promise<Shims> | undefined;
  let esbuild: typeof import('esbuild') | undefined;

  function bundlingOf({ runtime }: ProjectConfig): RuntimeBundling {
    const found = runtimes.get(runtime);
    if (found === undefined) throw new FirstlightError('INTERNAL', `No runtime ${runtime} is set up.`);
    return found.bundling;
  }

  async function meansFor(project: Project, config: ProjectConfig): Promise<BuildMeans> {
    const { engine, hasFiles } = bundlingOf(config);
    const means = { engine, watched: watchedIn(engine), shimsDir, hasFiles: hasFiles?.(config) ?? false };
    return { ...means, tsconfig: await readTsconfig(project.dir, config.entry) };
  }

  async function warmUp(project: Project, config: ProjectConfig, key: string, means: BuildMeans): Promise<Warm> {
    const before = await warm.get(project.id)?.catch(() => undefined);
    if (before !== undefined && before.key === key) return before;
    await release(project.id);
    const kept = createKept();
    const options = esbuildOptions(project.dir, config, {
      ...means,
      ...(means.engine === 'node' && { kept }),
    });
    const making = import('esbuild').then(async (loaded) => {
      esbuild = loaded;
      return { key, kept, context: await loaded.context(options), digests: new Map(), idle: undefined };
    });
    warm.set(project.id, making);
    making.catch(() => warm.delete(project.id));
    return making;
  }

  async function release(projectId: ProjectId): Promise<void> {
    cache.forget(projectId);
    const found = warm.get(projectId);
    warm.delete(projectId);
    const kept = await found?.catch(() => undefined);
    clearTimeout(kept?.idle);
    await kept?.context.dispose();
  }

  /** Lets go of a compiler that still runs: esbuild would give its result to the next build. */
  function abandon(projectId: ProjectId, { idle, context }: Warm): void {
    warm.delete(projectId);
    clearTimeout(idle);
    void context.dispose();
  }

  const boundBuilds = createBoundBuilds(() => {
    for (const [projectId, making] of warm) {
      cache.forget(projectId);
      void making.then(({ idle }) => clearTimeout(idle)).catch(() => undefined);
    }
    warm.clear();
    void esbuild?.stop();
  });

  async function compile(
    project: Project,
    config: ProjectConfig,
    { key, known, means }: { readonly key: string; readonly known: Shims; readonly means: BuildMeans },
    { signal, wanted }: Pick<Request, 'signal' | 'wanted'>,
  ): Promise<Made> {
    const startedAtMs = Date.now();
    const bundling = bundlingOf(config);
    const isNode = bundling.engine === 'node';
    const hasFetch = bundling.hasFetch?.(config) ?? false;
    const kept = await warmUp(project, config, key, means);
    clearTimeout(kept.idle);
    kept.idle = setTimeout(() => void release(project.id), idleMs).unref();
    const bounds = { projectDir: project.dir, entry: config.entry, signal, abandon: () => abandon(project.id, kept) };
    const build = () => rebuild(kept.context, config, signal);
    const built = await boundBuilds
      .run(isNode ? () => rebuildBeside(project.dir, kept.kept, build) : build, bounds)
      .catch((thrown) => boundBuilds.run(() => explainFailure(thrown, project, config, means), bounds));
    const output =
      built.clashes.length === 0
        ? built
        : await boundBuilds.run(() => compileAgain(project, config, means, built.clashes), bounds);
    const fromOutside = await checkInputs(project, built.metafile.inputs);
    const beside = isNode
      ? await collectBeside(project.dir, kept.kept, built.metafile, (path) =>
          boundBuilds.run(() => compileScript(project.dir, config, path, means), { ...bounds, entry: path }),
        )
      : nothingBeside;
    await checkBeside(project, beside.files);
    const read = [
      ...Object.keys(built.metafile.inputs).filter((path) => !isStandIn(path) && !isWrapped(path)),
      ...beside.paths,
    ];
    const digesting = digestInputs(project.dir, read, kept.digests);
    const readText = async (path: string) =>
      kept.digests.get(path)?.text ?? (await readSource(resolve(project.dir, path)));
    const [own, inputs, ofProcesses, ofPlatforms, ofDecorators, ofImports] = await Promise.all([
      digestOwnFiles(project.dir, bundling.ownPaths(config)),
      digesting,
      isNode ? warnOfProcesses(project.dir, built.metafile) : [],
      digesting.then(() => warnOfPlatforms(project.dir, config, built.metafile, readText)),
      warnOfDecorators(project.dir, means.tsconfig, built.metafile),
      digesting.then(() => warnOfComputedImports(bundling.engine, built.metafile, readText)),
    ]);
    const warnings = [
      ...toProblems(built.warnings, 'warning'),
      ...fromOutside,
      ...ofProcesses,
      ...beside.warnings,
      ...ofPlatforms,
      ...ofDecorators,
      ...ofImports,
      ...(isNode ? [] : warnOfLacks(built, known.members, hasFetch)),
    ];
    const modules = modulesAmong(usedInputs(built.metafile));
    const shims = isNode ? [] : chooseShims(built.code, built.uses, modules, hasFetch);
    const shimmed = addShims(output, shims, known);
    const made = isNode
      ? await convertForNode(shimmed, beside.hasModulesOnly)
      : ({ ...shimmed, format: 'esm' } as const);
    checkExport(config, built.metafile);
    const bundle = bundleOf(
      project,
      config,
      valuesInImage(config, bundling),
      { ...made, files: beside.files },
      inputs.files,
      warnings,
      version,
    );
    throwIfCancelled(signal);
    if (wanted !== undefined && bundle.id !== wanted) return { bundle, saved: [] };
    // A file saved while esbuild read may have been read before or after: then the next build checks it again. File
    // systems stamp with a granularity of some ms.
    const isSettled = inputs.newestMs < startedAtMs - 20;
    const remembering = isSettled ? cache.remember(project.id, key, bundle, startedAtMs) : undefined;
    return withFiles({ bundle, saved: [cache.store(bundle), remembering] }, own);
  }

  /** Adds to an import that fails the chain of imports that leads to it. */
  async function explainFailure(
    thrown: unknown,
    project: Project,
    config: ProjectConfig,
    means: BuildMeans,
  ): Promise<never> {
    if (!(thrown instanceof FirstlightError) || thrown.code !== 'BUILD_FAILED') throw thrown;
    const { problems } = thrown.details;
    if (problems === undefined) throw thrown;
    const options = esbuildOptions(project.dir, config, means);
    throw buildFailed(config, await addChains(problems, options, config.entry));
  }

  /** The bundle with the further files that go into its image: different content gives another name. */
  function withFiles({ bundle, saved }: Made, own: Bundle['inputs']): Made {
    if (own.length === 0) return { bundle, saved };
    const id = bundleIdSchema.parse(sha256(JSON.stringify([bundle.id, own])));
    const whole = { ...bundle, id, inputs: [...bundle.inputs, ...own] };
    return { bundle: whole, saved: [...saved, cache.store(whole)] };
  }

  async function bundleOnce(project: Project, request: Request, before: BundleId | undefined): Promise<BundleOutcome> {
    const { signal, progress } = request;
    throwIfCancelled(signal);
    const config = validConfig(project);
    const bundling = bundlingOf(config);
    if (!bundling.runsFunction(config)) {
      const bundle = await bundleProgram(project, config, bundling, version);
      return outcomeOf({ bundle, saved: [cache.store(bundle)] }, before === bundle.id);
    }
    const means = await meansFor(project, config);
    const options = esbuildOptions(project.dir, config, means);
    shims ??= readShims(shimsDir);
    const known = await shims;
    const key = sha256(
      JSON.stringify([
        version,
        await esbuildVersion(),
        known.sha256,
        project.trusted,
        options,
        means.tsconfig.options,
        ...valuesInImage(config, bundling),
      ]),
    );
    const [found] = await Promise.all([
      cache.lookUp(project.id, key),
      checkEntry(project, config),
      // Later builds look for such a file when they take long: esbuild reads the same files again.
      warm.has(project.id) ? undefined : checkCompilerFiles(project.dir),
    ]);
    if (found !== null) {
      const bundle = { ...found.bundle, config, projectDir: project.dir };
      const own = await digestOwnFiles(project.dir, bundling.ownPaths(config));
      const sources = [...found.sources, ...compilerFilesOf(project.dir), ...means.tsconfig.files];
      return outcomeOf(withFiles({ bundle, saved: [] }, own), true, sources);
    }
    progress({ step: 'bundle', message: `Compiling ${config.entry}` });
    const compileOnce = () => compile(project, config, { key, known, means }, request);
    const made = await compileOnce().catch((thrown) => {
      if (hasDied(thrown)) boundBuilds.stop();
      else if (!wasStopped(thrown)) throw thrown;
      throwIfCancelled(signal);
      return compileOnce();
    });
    const saved = pruned ? made.saved : [Promise.all(made.saved).then(() => cache.prune(bundlesKept))];
    pruned = true;
    return outcomeOf({ ...made, saved }, before === made.bundle.id);
  }

  /** Compiles once more what was saved so shortly before its build that the build could not be remembered. */
  async function settleOnce(project: Project, request: Request): Promise<BundleOutcome> {
    const first = await bundleOnce(project, request, undefined);
    await first.saved;
    return first.sources === undefined && first.bundle.id === request.wanted
      ? await bundleOnce(project, request, undefined)
      : first;
  }

  function inTurn(id: ProjectId, work: (before: BundleId | undefined) => Promise<BundleOutcome>, isLast: boolean) {
    const earlier = queue.get(id) ?? Promise.resolve(undefined);
    const turn = earlier.then(work);
    const made = turn.then(async ({ bundle, saved }) => {
      await saved;
      return isLast ? bundle.id : await earlier;
    });
    // The failure of one build does not affect the next.
    queue.set(
      id,
      made.catch(() => undefined),
    );
    return turn;
  }

  return {
    bundle: (project, request) => inTurn(project.id, (before) => bundleOnce(project, request, before), true),
    settle: (project, wanted, request) => inTurn(project.id, () => settleOnce(project, { ...request, wanted }), false),
    load: cache.load,
    release,
    close: async () => {
      await Promise.all([...warm.keys()].map(release));
      await Promise.all(queue.values());
    },
  };
}

/** Node.js has every global that a function may name. */
const watchedIn = (engine: BundleEngine) => (engine === 'bare' ? watchedGlobals : {});

/** The files that contributed code to the bundle. */
const usedInputs = ({ outputs }: Result['metafile']): string[] =>
  Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
