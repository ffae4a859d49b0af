import type { Bundle } from '#core/runtime/bundle.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { BundleId } from '#shared/model/units.ts';

/** An error of a function with its stack in the person's own source. Gives the error itself when it has no stack. */
export type MapError = (error: FirstlightError, bundleId: BundleId) => Promise<FirstlightError>;

/** Maps with the bundles that `load` finds; a bundle that is no longer kept leaves the guest's own stack. */
export function createErrorMapper(load: (id: BundleId) => Promise<Bundle | null>): MapError {
  return async (error, bundleId) => {
    if (error.details.stack === undefined) return error;
    const bundle = await load(bundleId).catch(() => null);
    if (bundle === null) return error;
    // Loaded when the first function fails.
    const { locateStack, mapStack, nameLoop } = await import('#core/bundle/map-stack.ts');
    const stack = error.code === 'FUNCTION_TIMEOUT' ? nameLoop(bundle, error.details.stack) : error.details.stack;
    const at = locateStack(bundle, stack);
    const mapped = mapStack(bundle, stack);
    return new FirstlightError(error.code, error.message, {
      hint: error.hint,
      cause: error.cause,
      details: {
        ...error.details,
        // No frame may be the person's own, as when a returned value cannot be sent.
        stack: mapped === '' ? undefined : mapped,
        ...(at !== null && { problems: [{ severity: 'error', message: error.message, ...at }] }),
      },
    });
  };
}
