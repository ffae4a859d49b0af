/** Runs the compiler, and reads its result. */
import type { BuildContext, BuildFailure, BuildResult } from 'esbuild';
import type { Project, ProjectConfig } from '#shared/model/project.ts';
import { throwIfCancelled } from './bound-build.ts';
import { buildFailed } from './check-project.ts';
import { type BuildMeans, esbuildOptions } from './esbuild-options.ts';
import { type Unmarked, unmark } from './mark-globals.ts';
import { toProblems } from './problems.ts';

type Options = ReturnType<typeof esbuildOptions>;
/** A compiler that is kept warm for one project. */
export type Context = BuildContext<Options>;
export type Result = BuildResult<Options>;

/** The outcome of a compilation. */
export interface Built extends Unmarked, Pick<Result, 'metafile' | 'warnings'> {
  readonly sourceMap: string;
}

/** The compiler's own look-up of a file by a name that is computed: it knows whole names only. */
const lookUp = 'var fn = map[path];';
/** As Node.js and the compiler itself find a file by a name without its end. */
const lookUpAsNode =
  'var fn = map[path] || [".tsx", ".ts", ".jsx", ".js", ".cjs", ".mjs", ".json", "/index.ts", "/index.js", "/index.json"].map((end) => map[path.replace(/\\/$/, "") + end]).find(Boolean);';

const readBuilt = ({ outputFiles, metafile, warnings }: Result): Built => {
  const output = (suffix: string) => outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? '';
  return {
    ...unmark(output('bundle.js').replace(lookUp, lookUpAsNode)),
    sourceMap: output('bundle.js.map'),
    metafile,
    warnings,
  };
};

/** Compiles again with the globals that clashed left unmarked. */
export async function compileAgain(
  project: Project,
  config: ProjectConfig,
  means: BuildMeans,
  names: readonly string[],
): Promise<Built> {
  const { build } = await import('esbuild');
  const rest = Object.entries(means.watched).filter(([name]) => !names.includes(name));
  return readBuilt(await build(esbuildOptions(project.dir, config, { ...means, watched: Object.fromEntries(rest) })));
}

/** Compiles what changed. Errors: BUILD_FAILED with `details.problems`, CANCELLED. */
export async function rebuild(context: Context, config: ProjectConfig, signal: AbortSignal): Promise<Built> {
  const cancel = () => void context.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return readBuilt((await context.rebuild()) as Result);
  } catch (thrown) {
    throwIfCancelled(signal);
    const failure = thrown as Partial<BuildFailure>;
    if (failure.errors === undefined) throw thrown;
    const problems = [...toProblems(failure.errors, 'error'), ...toProblems(failure.warnings ?? [], 'warning')];
    throw buildFailed(config, problems);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
