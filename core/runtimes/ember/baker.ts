import type { Baker, BakerOptions } from './types.ts';

/** A baker with its own worker thread. Call `close` when done. */
export declare function createBaker(options?: BakerOptions): Baker;
