import { expect, it } from 'vitest';
import type { DeployPlace } from '#core/runtime/machines.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import { kubernetesTargetSchema } from '#shared/model/deploy.ts';
import { projectConfigSchema } from '#shared/model/project.ts';
import { findLacks } from './find-lacks.ts';

const config = projectConfigSchema.parse({ name: 'p', runtime: 'ember', memoryMiB: 64 });
const describeLacks = (_: unknown, place: DeployPlace) => [`nothing ${place}`];
const find = (engine: string, runtime: Partial<Runtime>, envAtLoad?: string[]) =>
  findLacks(
    kubernetesTargetSchema.parse({ name: 't', kind: 'kubernetes', kubeconfig: '/k', registry: 'r/t', engine }),
    { runtimes: new Map([['ember', runtime as Runtime]]) },
    { config, image: { runtime: 'ember', envAtLoad }, secrets: { TOKEN: {} } },
  );

it('asks the runtime for the place that the target’s engine is', () => {
  expect(find('pod', { describeLacks })).toEqual(['nothing pod']);
  expect(find('kubevirt', { describeLacks })).toEqual(['nothing alone']);
});

it('names a secret that the module reads before it is there, but in a container', () => {
  expect(find('pod', {}, ['STAGE', 'TOKEN'])).toEqual([expect.stringContaining('process.env.TOKEN while it loads')]);
  expect(find('pod', {}, ['STAGE'])).toEqual([]);
  expect(find('runtimeclass:gvisor', {}, ['TOKEN'])).toEqual([]);
});

it('says that arguments are in the image of a module that reads them while it loads', () => {
  const ask = (args: string[], argsAtLoad: boolean, engine = 'pod') =>
    findLacks(
      kubernetesTargetSchema.parse({ name: 't', kind: 'kubernetes', kubeconfig: '/k', registry: 'r/t', engine }),
      { runtimes: new Map() },
      { config: { ...config, args }, image: { runtime: 'ember', argsAtLoad }, secrets: {} },
    );
  expect(ask(['-v'], true)).toEqual([expect.stringContaining('process.argv while it loads')]);
  expect([ask([], true), ask(['-v'], false), ask(['-v'], true, 'kubevirt')]).toEqual([[], [], []]);
});

it('finds none in an ordinary container, nor for a runtime that has none', () => {
  expect(find('runtimeclass:gvisor', { describeLacks })).toEqual([]);
  expect(find('pod', {})).toEqual([]);
});
