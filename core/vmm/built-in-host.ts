/** Hosts that are there without being added: other starters of machines on this machine. */
import type { HostEntry } from '#shared/model/host.ts';
import type { Host } from './host.ts';
import type { VmmListener } from './vmm.ts';

/** A host of this machine beside its libvirt: its name, and the function that opens it. */
export interface BuiltInHost extends HostEntry {
  readonly open: (listener: VmmListener) => Pick<Host, 'vmm' | 'accelerator'>;
}
