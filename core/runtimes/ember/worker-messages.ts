/** The messages between `createBaker` and its worker thread. */

import type { ImageNetwork } from './image.ts';

/** One bake. Shape: structured-clonable. */
export interface BakeJob {
  readonly id: number;
  readonly bundleCode: string;
  readonly bundleName: string;
  readonly functionName: string;
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly memoryMiB: number;
  readonly kernelPath: string;
  readonly outPath: string;
  readonly network: ImageNetwork | undefined;
  readonly evalTimeoutMs: number;
}

/** Asks for the base heap to be made ready. */
export interface WarmJob {
  readonly id: number;
  readonly warm: true;
}

export interface BakeResult {
  readonly bytes: number;
  readonly sha256: string;
  readonly heapPages: number;
  readonly heapBytes: number;
  readonly minMemoryMiB: number;
  readonly evalMs: number;
  readonly output: string;
  /** The variables that the module read while it was evaluated; `*`: all. */
  readonly envAtLoad: readonly string[];
  /** True when it read its arguments then. */
  readonly argsAtLoad: boolean;
}

/** The reason why a bake failed. `system` is a file operation, with Node's code. */
export type BakeFailureReply =
  | {
      readonly kind: 'threw' | 'timeout' | 'noHandler' | 'outOfMemory';
      readonly message: string;
      readonly stack: string;
    }
  | { readonly kind: 'memory'; readonly message: string; readonly minMemoryMiB: number }
  | { readonly kind: 'system'; readonly message: string; readonly errno: string; readonly path: string };

export type BakeReply =
  | { readonly id: number; readonly ok: true; readonly result: BakeResult | null }
  | { readonly id: number; readonly ok: false; readonly failure: BakeFailureReply; readonly output: string };
