import type { CallHandlers } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';

type NanosCallName = Extract<keyof CallHandlers, `nanos:${string}`>;

/** The calls `nanos:*`. */
export function nanosCalls(): Pick<CallHandlers, NanosCallName> {
  const refuse = () => {
    throw new FirstlightError('BAD_INPUT', 'This version cannot install Nanos yet.');
  };
  return { 'nanos:releases': refuse, 'nanos:install': refuse, 'nanos:use': refuse, 'nanos:remove': refuse };
}
