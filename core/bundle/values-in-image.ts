import type { RuntimeBundling } from '#core/runtime/images.ts';
import type { Json } from '#shared/model/json.ts';
import type { ProjectConfig } from '#shared/model/project.ts';

/** The values of firstlight.json that change an image when they change. Memory and processors are the machine's. */
export function valuesInImage(config: ProjectConfig, bundling: Pick<RuntimeBundling, 'optionsInImage'>): Json[] {
  const { name, env, convention } = config;
  return [name, env, ...(convention === undefined ? [] : [convention]), ...bundling.optionsInImage(config)];
}

/** The variables that code is built with: a bundle has their values in place of their names. */
export const namesInCode: ReadonlySet<string> = new Set(['NODE_ENV']);
