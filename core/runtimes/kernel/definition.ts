import type { RuntimeDefinition } from '#core/runtime/runtime.ts';
import { kernelOptions } from './options.ts';

/** Any kernel that QEMU loads: Unikraft, OSv, Rumprun, Hermit, MirageOS, Linux. */
export const kernel: RuntimeDefinition = {
  id: 'kernel',
  title: 'Your kernel',
  description: 'Boots any PVH, multiboot or bzImage kernel, with a command line, initrd and disks of your own.',
  defaultMemoryMiB: 128,
  runsPrograms: false,
  options: kernelOptions,
  create: async ({ layout }) => {
    const { createKernelRuntime } = await import('./kernel-runtime.ts');
    return createKernelRuntime({ layout });
  },
};
