/** What of `firstlight.json` goes into an image. */
import type { Json } from '#shared/model/json.ts';
import type { ProjectConfig } from '#shared/model/project.ts';

/** True when a handler is run, and not a program that is there already. */
export function runsFunction({ runtime, nanos }: ProjectConfig): boolean {
  if (runtime !== 'nanos' || nanos === undefined) return true;
  return [nanos.program, nanos.python, nanos.package, nanos.image].every((source) => source === undefined);
}

/** The values that change an image when they change. Memory, processors and ports of the host are the machine's. */
export function configInImage({ name, env, runtime, nanos, convention }: ProjectConfig): Json[] {
  const own: Json[] = convention === undefined ? [name, env] : [name, env, convention];
  if (runtime !== 'nanos' || nanos === undefined) return own;
  const { hostPort: _, ports: _ports, ...inImage } = nanos;
  return [...own, inImage as Json];
}
