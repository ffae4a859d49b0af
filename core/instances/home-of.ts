import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Host } from '#core/vmm/host.ts';

interface HomePlaces {
  readonly vmm: Pick<Host['vmm'], 'isRemote'>;
  readonly layout: Pick<Host['layout'], 'dataDir'>;
}

/**
 * The name of this Firstlight in the records of machines on a host: its state directory, and on another host, where those
 * of several computers may meet, this computer too.
 */
export const homeOf = ({ vmm, layout }: HomePlaces): string =>
  vmm.isRemote ? `${machineId()}:${layout.dataDir}` : layout.dataDir;

/** Source: machine-id(5). */
function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim() || hostname();
  } catch {
    // A container may have none.
    return hostname();
  }
}
