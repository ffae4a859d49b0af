/** The section `kernel` of `firstlight.json`. */
import { z } from 'zod';
import { FirstlightError } from '#shared/errors.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { RuntimeOptions } from '#shared/model/runtime-options.ts';

const fileSchema = z.string().min(1, 'a path relative to the project');
const portSchema = z.number().int().min(1).max(65_535);

export const kernelConfigSchema = z.strictObject({
  file: fileSchema.describe('The kernel: an ELF with a PVH note, a multiboot kernel, or a bzImage.'),
  cmdline: z.string().max(2_000).default('').describe('Its command line.'),
  initrd: fileSchema.optional().describe('Its initial RAM disk, or the module of a multiboot kernel.'),
  disks: z
    .array(
      z.strictObject({
        file: fileSchema.describe('The disk, which each instance gets a copy-on-write overlay of.'),
        format: z.enum(['raw', 'qcow2']).default('raw').describe('Its format.'),
      }),
    )
    .max(16)
    .default([])
    .describe('Disks, by virtio-blk in this order. What an instance writes is lost with it.'),
  ready: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Text on the console that says that it is up; it then runs on. Default: it runs to its end, and what it printed is the answer.',
    ),
  machine: z.enum(['pc', 'q35', 'microvm']).default('pc').describe('QEMU’s machine type.'),
  firmware: z
    .enum(['auto', 'quick', 'machine'])
    .default('auto')
    .describe(
      '`quick` is qboot, `machine` the machine type’s own. `auto` is `machine` for a multiboot kernel, which qboot does not load.',
    ),
  network: z
    .strictObject({
      ports: z
        .array(
          z.strictObject({
            guest: portSchema.describe('The guest’s port.'),
            host: portSchema.describe('The port of this machine’s loopback interface.'),
            udp: z.boolean().default(false).describe('UDP instead of TCP.'),
          }),
        )
        .default([])
        .describe('Ports that lead into the guest.'),
      outbound: z.boolean().default(false).describe('Lets the guest open connections itself.'),
    })
    .optional()
    .describe('A virtio-net interface on QEMU’s user-mode network, with DHCP. Default: none.'),
});
export type KernelConfig = z.output<typeof kernelConfigSchema>;

/** The options of a project, with all defaults filled in; null when it names no kernel. */
export const findKernelConfig = ({ runtimeOptions }: Pick<ProjectConfig, 'runtimeOptions'>): KernelConfig | null =>
  runtimeOptions === undefined ? null : kernelConfigSchema.parse(runtimeOptions);

/** As `findKernelConfig`. Errors: BAD_INPUT when it names no kernel. */
export function kernelConfigOf(config: Pick<ProjectConfig, 'name' | 'runtimeOptions'>): KernelConfig {
  const found = findKernelConfig(config);
  if (found !== null) return found;
  throw new FirstlightError('BAD_INPUT', `${config.name} names no kernel.`, {
    hint: 'Add "kernel": { "file": "path/of/the/kernel" } to firstlight.json.',
  });
}

/** The section, in the form that the rest of Firstlight shows and reads. */
export const kernelOptions: RuntimeOptions = {
  schema: kernelConfigSchema,
  groups: [
    { id: 'kernel', title: 'Kernel', paths: ['file', 'cmdline', 'initrd', 'ready', 'machine', 'firmware'] },
    { id: 'disks', title: 'Disks', paths: ['disks'] },
    { id: 'network', title: 'Network', paths: ['network'] },
  ],
  hadProgramKeys: false,
};
