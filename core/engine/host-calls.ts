import type { HostWatch } from '#core/instances/watch-hosts.ts';
import { describeHost, type Hosts } from '#core/vmm/hosts.ts';
import type { CallHandlers } from '#shared/contract/index.ts';

/** The calls `hosts:*`. */
export function hostCalls(
  hosts: Hosts,
  watch: HostWatch,
): Pick<CallHandlers, 'hosts:list' | 'hosts:add' | 'hosts:remove'> {
  return {
    'hosts:list': async () => {
      await hosts.load();
      await watch.reconciled();
      return hosts.list().map(watch.describe);
    },
    'hosts:add': async (entry) => describeHost(await hosts.add(entry)),
    'hosts:remove': async ({ name }) => {
      await hosts.remove(name);
      return null;
    },
  };
}
