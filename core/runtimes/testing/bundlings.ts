import type { RuntimeBundling } from '#core/runtime/images.ts';
import { emberBundling } from '../ember/bundling.ts';
import { nanosBundling } from '../nanos/bundling.ts';

/** The bundling of each runtime, without setting it up. */
export const bundlings: ReadonlyMap<string, { readonly bundling: RuntimeBundling }> = new Map([
  ['ember', { bundling: emberBundling }],
  ['nanos', { bundling: nanosBundling }],
]);
