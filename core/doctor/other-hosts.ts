import { type Finding, ok } from '#core/runtime/check.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import type { Host } from '#core/vmm/host.ts';
import type { Check } from './check.ts';

/** The check of a host other than this machine. A lost one is a warning: functions run on the others. */
export const checkHost = (host: Host): Check => ({
  id: `host-${host.name}`,
  title: `Host ${host.name}`,
  look: () => lookAtHost(host),
});

async function lookAtHost({ name, vmm }: Host): Promise<Finding> {
  try {
    await vmm.connect();
    const versions = Object.entries(await vmm.readVersions()).map(([program, version]) => `${program} ${version}`);
    return ok(`${versions.join(', ')} at ${vmm.uri}`);
  } catch (thrown) {
    return {
      status: 'warning',
      found: toFirstlightError(thrown).message,
      why: 'Instances on it cannot be listed or started.',
      fix: { label: 'Start its daemon, or take the host off the list.', command: `firstlight host rm ${name}` },
    };
  }
}
