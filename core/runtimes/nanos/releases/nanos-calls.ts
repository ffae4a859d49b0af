import type { CallHandlers, OptionalCallName } from '#shared/contract/index.ts';
import { noticeText } from './notice.ts';
import type { Releases } from './releases.ts';

/** The calls `nanos:*`. */
export function nanosCalls(
  releases: Releases,
): Required<Pick<CallHandlers, Extract<OptionalCallName, `nanos:${string}`>>> {
  return {
    'nanos:releases': async () => ({
      releases: await releases.list(),
      notice: noticeText,
      noticeAccepted: await releases.notice.isAccepted(),
    }),
    'nanos:install': (request, context) => releases.install(request, context),
    'nanos:use': ({ version }) => releases.use(version),
    'nanos:remove': async ({ version }) => {
      await releases.remove(version);
      return null;
    },
  };
}
