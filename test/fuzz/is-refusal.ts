import { FormatError } from '@firstlight/files';
import { FirstlightError } from '#shared/errors.ts';

/** Whether a parser refused an input correctly: by an error for a person, or one of the format packages. */
export const isRefusal = (thrown: unknown): boolean =>
  thrown instanceof FormatError || (thrown instanceof FirstlightError && thrown.code !== 'INTERNAL');
