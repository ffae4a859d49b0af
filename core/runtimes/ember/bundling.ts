import type { RuntimeBundling } from '#core/runtime/images.ts';

/** The bundling of functions for Ember. */
export const emberBundling: RuntimeBundling = {
  engine: 'bare',
  runsFunction: () => true,
  ownPaths: () => [],
  networkAsks: () => [],
  optionsInImage: () => [],
};
