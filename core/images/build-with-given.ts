/**
 * Variables and arguments from outside a project: given to the function when it starts, so that one image serves many, or
 * built in.
 */
import { namesInCode } from '#core/bundle/values-in-image.ts';
import type { Project } from '#shared/model/project.ts';
import type { Build } from './image-store.ts';

/**
 * When a function is given variables and arguments. `beforeLoad`: a container has them before anything of it runs;
 * `beforeCall`: the guest gets them once its module is loaded; `never`: nobody speaks to the guest.
 */
export type GivesAtStart = 'beforeLoad' | 'beforeCall' | 'never';

/** What a function is to have beside what its project says. */
export interface Given {
  readonly env: Readonly<Record<string, string>>;
  /** In place of the project's own. Default: those. */
  readonly args?: readonly string[] | undefined;
}

/** A build with what is not in its image. */
export interface BuildWithGiven extends Build {
  readonly variables: Readonly<Record<string, string>>;
  readonly args: readonly string[] | undefined;
}

/**
 * Builds a function with the variables and arguments that its image depends on, which are those that its module reads while
 * it loads. What a module reads can depend on what it has read, so that it may be built more than once. Errors: those of
 * `build`.
 */
export async function buildWithGiven(
  project: Project,
  { env, args }: Given,
  gives: GivesAtStart,
  build: (project: Project) => Promise<Build>,
): Promise<BuildWithGiven> {
  const names = Object.keys(env);
  const inImage = new Set(names.filter((name) => gives === 'never' || namesInCode.has(name)));
  // For a container, no arguments are those of its image.
  let hasArgs = gives === 'never' || args?.length === 0;
  for (;;) {
    const own = pick(env, (name) => inImage.has(name));
    const built = await build(add(project, own, hasArgs ? args : undefined));
    const { envAtLoad = ['*'], argsAtLoad = true } = gives === 'beforeLoad' ? readsNothing : built.image;
    const missed = names.filter((name) => !inImage.has(name) && (envAtLoad.includes('*') || envAtLoad.includes(name)));
    const missesArgs = args !== undefined && !hasArgs && argsAtLoad;
    if (missed.length === 0 && !missesArgs) {
      return { ...built, variables: pick(env, (name) => !inImage.has(name)), args: hasArgs ? undefined : args };
    }
    for (const name of missed) inImage.add(name);
    hasArgs ||= missesArgs;
  }
}

const readsNothing = { envAtLoad: [], argsAtLoad: false };

const pick = (env: Readonly<Record<string, string>>, isWanted: (name: string) => boolean) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => isWanted(name)));

function add(project: Project, env: Readonly<Record<string, string>>, args: readonly string[] | undefined): Project {
  const { config } = project;
  if (config === null || (Object.keys(env).length === 0 && args === undefined)) return project;
  return {
    ...project,
    config: { ...config, env: { ...config.env, ...env }, ...(args !== undefined && { args: [...args] }) },
  };
}
