/** Variables from outside a project: given to the function when it starts, so that one image serves many, or built in. */
import { namesInCode } from '#core/bundle/values-in-image.ts';
import type { Project } from '#shared/model/project.ts';
import type { Build } from './image-store.ts';

/**
 * When a function is given variables. `beforeLoad`: a container has them before anything of it runs; `beforeCall`: the
 * guest gets them once its module is loaded; `never`: nobody speaks to the guest.
 */
export type GivesVariables = 'beforeLoad' | 'beforeCall' | 'never';

/** A build with the variables that are not in its image. */
export interface BuildWithEnv extends Build {
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Builds a function with the variables that its image depends on, which are those that its module reads while it loads.
 * What a module reads can depend on what it has read, so that it may be built more than once. Errors: those of `build`.
 */
export async function buildWithEnv(
  project: Project,
  env: Readonly<Record<string, string>>,
  gives: GivesVariables,
  build: (project: Project) => Promise<Build>,
): Promise<BuildWithEnv> {
  const names = Object.keys(env);
  const inImage = new Set(names.filter((name) => gives === 'never' || namesInCode.has(name)));
  for (;;) {
    const built = await build(
      addEnv(
        project,
        pick(env, (name) => inImage.has(name)),
      ),
    );
    const read = gives === 'beforeLoad' ? [] : (built.image.envAtLoad ?? ['*']);
    const missed = names.filter((name) => !inImage.has(name) && (read.includes('*') || read.includes(name)));
    if (missed.length === 0) return { ...built, variables: pick(env, (name) => !inImage.has(name)) };
    for (const name of missed) inImage.add(name);
  }
}

const pick = (env: Readonly<Record<string, string>>, isWanted: (name: string) => boolean) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => isWanted(name)));

function addEnv(project: Project, env: Readonly<Record<string, string>>): Project {
  const { config } = project;
  if (config === null || Object.keys(env).length === 0) return project;
  return { ...project, config: { ...config, env: { ...config.env, ...env } } };
}
