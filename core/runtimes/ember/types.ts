/**
 * The baker of the Ember runtime, which turns a bundled function into a bootable image.
 */
import type { ImageNetwork } from './image.ts';

/** The content of one image. */
export interface BakeRequest {
  /** The whole function as one ES module that imports nothing and has a default export. */
  readonly bundleCode: string;
  /** The module's name in stack traces. Default: `bundle.js`. */
  readonly bundleName?: string | undefined;
  /** The value of `context.functionName`. Default: `function`. */
  readonly functionName?: string | undefined;
  /** Becomes `process.env`. */
  readonly env: Readonly<Record<string, string>>;
  /** What follows the script in `process.argv` unless the guest is given others. Default: none. */
  readonly args?: readonly string[] | undefined;
  /** Guest memory that the image must boot in. */
  readonly memoryMiB: number;
  /** The Ember kernel, as `buildGuest` made it; the one with the network for an image with one. */
  readonly kernelPath: string;
  /** Default: none. */
  readonly network?: ImageNetwork | undefined;
  /** The path of the image, where no reader looks before it is whole. A failure leaves no file. */
  readonly outPath: string;
  /** The time limit for evaluating the module. Units: ms. Default: 5000. */
  readonly evalTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A written image. */
export interface BakedImage {
  readonly path: string;
  readonly bytes: number;
  /** sha256 of the image's bytes, hex. */
  readonly sha256: string;
  /** Pages of 64 KiB that the heap spans in the guest. */
  readonly heapPages: number;
  /** Bytes of heap stored in the image: zero pages are left out. */
  readonly heapBytes: number;
  /** The least guest memory that the image boots and answers in. */
  readonly minMemoryMiB: number;
  /** Time the module took to evaluate. */
  readonly evalMs: number;
  /** Time from request to renamed file. */
  readonly bakeMs: number;
  /** The output of the module while it was evaluated, cut at 64 KiB. */
  readonly output: string;
  /** The variables that the module read while it was evaluated; `*`: all. */
  readonly envAtLoad: readonly string[];
  /** True when it read its arguments then. */
  readonly argsAtLoad: boolean;
}

/** Bakes images, one at a time, on a warm worker thread. */
export interface Baker {
  /**
   * The image of one bundled function.
   *
   * Errors: EXPORT_MISSING, EVALUATION_THREW (details: message, stack), EVALUATION_TIMEOUT, MEMORY_TOO_SMALL (details: minMemoryMiB),
   * KERNEL_MISSING, DISK_FULL, CANCELLED.
   */
  bake(request: BakeRequest): Promise<BakedImage>;
  /** Starts the worker and compiles the engine ahead of the first bake. */
  warm(): Promise<void>;
  /** Ends the worker; a bake under way is cancelled. */
  close(): Promise<void>;
}

export interface BakerOptions {
  /** The bundled worker, `dist/bake-worker.mjs`. Default: found beside the running code, else bundled from source on the first bake. */
  readonly workerPath?: string | undefined;
}
