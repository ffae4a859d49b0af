import type { CallHandlers } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';

type ImportCallName = Extract<keyof CallHandlers, `imports:${string}`>;

/** The calls `imports:*`. */
export function importCalls(): Pick<CallHandlers, ImportCallName> {
  const refuse = () => {
    throw new FirstlightError('BAD_INPUT', 'This version cannot import yet.');
  };
  return { 'imports:examine': refuse, 'imports:create': refuse, 'imports:toOps': refuse };
}
