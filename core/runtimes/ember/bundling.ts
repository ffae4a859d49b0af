import type { RuntimeBundling } from '#core/runtime/images.ts';

/** What a function is bundled for on Ember. */
export const emberBundling: RuntimeBundling = {
  engine: 'bare',
  runsFunction: () => true,
  ownPaths: () => [],
  optionsInImage: () => [],
};
