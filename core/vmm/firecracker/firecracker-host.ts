import { kvmAlone } from '../accelerator.ts';
import type { BuiltInHost } from '../built-in-host.ts';
import { firecrackerHostName } from './find-firecracker.ts';
import { createFirecrackerVmm, type FirecrackerVmmOptions } from './firecracker-vmm.ts';

/** The host that is Firecracker on this machine. */
export const firecrackerHost = (options: Omit<FirecrackerVmmOptions, 'listener'>): BuiltInHost => ({
  name: firecrackerHostName,
  uri: firecrackerHostName,
  open: (listener) => ({
    vmm: createFirecrackerVmm({ ...options, listener }),
    accelerator: kvmAlone('Firecracker has no other'),
  }),
});
