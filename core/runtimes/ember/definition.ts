import type { RuntimeDefinition } from '#core/runtime/runtime.ts';
import { emberOptions } from './options.ts';

/** TypeScript on QuickJS in the built-in unikernel. */
export const ember: RuntimeDefinition = {
  id: 'ember',
  title: 'Ember',
  description: 'The built-in unikernel: a TypeScript function, its heap baked into the image. Nothing to download.',
  defaultMemoryMiB: 64,
  runsPrograms: false,
  programKeys: ['args', 'ports'],
  options: emberOptions,
  handlerGlobals: async () => (await import('./handler-globals.ts')).handlerGlobals,
  create: async ({ layout, resources, rates }) => {
    const { createEmberRuntime } = await import('./ember-runtime.ts');
    return createEmberRuntime({ layout, resources, tscRate: rates.tsc });
  },
};
