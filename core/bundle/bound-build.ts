/** Bounds the time of a compilation, which cannot be interrupted while it waits for a file. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createDeferred } from '#shared/deferred.ts';
import { FirstlightError } from '#shared/errors.ts';
import { checkCompilerFiles } from './check-project.ts';
import { findEndlessConfig } from './regular-inputs.ts';

/** Longer than any function took to compile. */
const compileTimeoutMs = 60_000;
/** Most builds are done by then. */
const lookAfterMs = 300;
/** The time that the compiler has to notice a cancellation. */
const cancelMs = 10_000;

export interface BuildBounds {
  readonly projectDir: string;
  /** Shape: as in the error. */
  readonly entry: string;
  readonly signal: AbortSignal;
  /** Lets go of a build that still runs although it was cancelled. */
  readonly abandon: () => void;
}

/** Runs builds within bounds. */
export interface BoundBuilds {
  /**
   * The result of `build`.
   *
   * Errors: as `build`; CANCELLED; BUILD_FAILED when it takes too long, at once where it waits for a pipe or reads a
   * device; one for which `wasStopped` is true when the compiler was ended for another build.
   */
  readonly run: <Made>(build: () => Promise<Made>, bounds: BuildBounds) => Promise<Made>;
  /** Ends the compiler with all its builds. The next build starts another. */
  readonly stop: () => void;
}

const stopMessage = 'The compiler was ended for another build.';
/** True for the error of a build whose compiler was ended for another one. */
export const wasStopped = (thrown: unknown): boolean => thrown instanceof Error && thrown.message === stopMessage;
/**
 * True for the error of a build whose compiler's process is gone: the system ended it for its memory, or a person did.
 * esbuild uses no other until it is stopped.
 */
export const hasDied = (thrown: unknown): boolean =>
  thrown instanceof Error && /^The service (?:was stopped|is no longer running)/.test(thrown.message);

/** `stop` ends the compiler with all it does; it may leave the promises of its builds unsettled. */
export function createBoundBuilds(stop: () => void): BoundBuilds {
  let stopped = createDeferred<never>();
  stopped.promise.catch(() => undefined);

  function stopAll(): void {
    stop();
    stopped.reject(new Error(stopMessage));
    stopped = createDeferred<never>();
    stopped.promise.catch(() => undefined);
  }

  async function stopUnlessDone(building: Promise<unknown>): Promise<void> {
    const done = building.then(
      () => true,
      () => true,
    );
    if (!(await Promise.race([done, sleep(cancelMs, false, { ref: false })]))) stopAll();
  }

  async function run<Made>(build: () => Promise<Made>, bounds: BuildBounds): Promise<Made> {
    const { signal } = bounds;
    throwIfCancelled(signal);
    const over = new AbortController();
    let isRunning = true;
    const building = Promise.race([build(), stopped.promise]).finally(() => {
      isRunning = false;
    });
    const tooLong = untilTooLong(bounds, over.signal).catch((thrown) => {
      stopAll();
      throw thrown;
    });
    try {
      return await Promise.race([tooLong, building, untilCancelled(signal, over.signal)]);
    } catch (thrown) {
      if (signal.aborted && isRunning) {
        bounds.abandon();
        void stopUnlessDone(building);
      }
      throwIfCancelled(signal);
      throw thrown;
    } finally {
      over.abort();
    }
  }
  return { run, stop: stopAll };
}

export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new FirstlightError('CANCELLED', 'The build was cancelled.');
}

/** Rejects when the build is cancelled; never settles once it is `over`. */
function untilCancelled(signal: AbortSignal, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new FirstlightError('CANCELLED', 'The build was cancelled.')), {
      once: true,
      signal: over,
    });
  });
}

/** Rejects when a build takes too long, or cannot end; never settles once it is `over`. */
async function untilTooLong({ projectDir, entry }: BuildBounds, over: AbortSignal): Promise<never> {
  const wait = (ms: number) =>
    sleep(ms, undefined, { signal: over, ref: false }).catch(() => new Promise<never>(() => undefined));
  await wait(lookAfterMs);
  await checkCompilerFiles(projectDir);
  const endless = await findEndlessConfig(projectDir, over);
  if (endless !== undefined) {
    throw new FirstlightError('BUILD_FAILED', `${endless}, not a file: ${entry} cannot be compiled.`, {
      hint: 'Remove it, or put a file in its place.',
    });
  }
  await wait(compileTimeoutMs - lookAfterMs);
  throw new FirstlightError('BUILD_FAILED', `Compiling ${entry} did not end within ${compileTimeoutMs / 1000} s.`, {
    hint: 'Is a file that it imports a pipe or a device? Only regular files can be read.',
  });
}
