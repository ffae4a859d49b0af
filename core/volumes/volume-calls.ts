import type { CallHandlers } from '#shared/contract/index.ts';
import type { Volumes } from './volumes.ts';

type VolumeCallName = Extract<keyof CallHandlers, `volumes:${string}`>;

/** The calls `volumes:*`. */
export function volumeCalls(volumes: Volumes): Pick<CallHandlers, VolumeCallName> {
  return {
    'volumes:list': () => volumes.list(),
    'volumes:create': ({ name, sizeMiB }) => volumes.create(name, sizeMiB),
    'volumes:remove': async ({ name }) => {
      await volumes.remove(name);
      return null;
    },
  };
}
