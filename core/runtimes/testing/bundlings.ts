import type { RuntimeBundling } from '#core/runtime/images.ts';
import { emberBundling } from '../ember/bundling.ts';
import { nanosBundling } from '../nanos/bundling.ts';

/** What the bundler asks of the runtimes, without what sets these up. */
export const bundlings: ReadonlyMap<string, { readonly bundling: RuntimeBundling }> = new Map([
  ['ember', { bundling: emberBundling }],
  ['nanos', { bundling: nanosBundling }],
]);
