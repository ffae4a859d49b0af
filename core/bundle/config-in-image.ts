/** The part of `firstlight.json` that goes into an image. */
import type { Json } from '#shared/model/json.ts';
import { programKeys, programSourceKeys } from '#shared/model/program.ts';
import { type ProjectConfig, runtimeTraits } from '#shared/model/project.ts';

/** True when a handler is run, and not a program that is there already. */
export function runsFunction(config: ProjectConfig): boolean {
  return programSourceKeys.every((key) => config[key] === undefined);
}

/** Ports of this machine: they belong to an instance, and change no image. */
const machineKeys: ReadonlySet<string> = new Set(['hostPort', 'ports']);

/** The values that change an image when they change. Memory, processors and ports of the host are the machine's. */
export function configInImage(config: ProjectConfig): Json[] {
  const { name, env, runtime, nanos, convention } = config;
  const own: Json[] = convention === undefined ? [name, env] : [name, env, convention];
  if (!runtimeTraits[runtime].runsPrograms) return own;
  const inImage = programKeys.filter((key) => !machineKeys.has(key)).map((key): Json => (config[key] ?? null) as Json);
  return [...own, inImage, (nanos ?? null) as Json];
}
