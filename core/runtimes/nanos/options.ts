/** The section `nanos` of `firstlight.json`. */
import { z } from 'zod';
import { kernelVersionSchema } from '#shared/model/kernel.ts';
import { guestPathSchema } from '#shared/model/program.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { RuntimeOptions } from '#shared/model/runtime-options.ts';

const ipv4Schema = z.ipv4('an IPv4 address such as 10.0.2.15');
/** A value that Nanos compares an exit code with. */
const exitMatchSchema = z.union([z.boolean(), z.string().regex(/^(\*|!?\d{1,3})$/, 'true, "*", "3" or "!0"')]);
const symbolSchema = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a name of letters, digits and underscores');

/**
 * The options of Nanos' root tuple, by Nanos' own names.
 *
 * Source: nanovms/nanos at b9c3671d: `src/kernel/{init,stage3,tracelog}.c`, `src/unix/{exec,mmap,unix,syscall}.c`,
 * `src/net/net.c`, `src/drivers/console.c`, `klib/strace.c`.
 */
export const nanosOptionsSchema = z.strictObject({
  cwd: guestPathSchema.optional().describe('Working directory of the program.'),
  readonly_rootfs: z.boolean().optional().describe('Mounts the root file system read-only.'),
  program_overwrite: z.boolean().optional().describe('Lets the program’s own file be written to.'),
  exec_protection: z
    .boolean()
    .optional()
    .describe(
      'Only the program and its loader can be mapped as code, and they cannot be changed. For a program without shared libraries.',
    ),
  noaslr: z.boolean().optional().describe('Loads the program at the same addresses each time: for debugging.'),
  static_map_program: z.boolean().optional().describe('Reads the whole program at its start instead of page by page.'),
  mmap_min_addr: z.number().int().min(0).optional().describe('Lowest address that the program may map, in bytes.'),
  transparent_hugepage: z
    .enum(['always', 'never'])
    .optional()
    .describe('Whether memory is mapped in pages of 2 MiB where it can be. Default: always.'),
  uname: z
    .strictObject({
      sysname: z.string().optional().describe('Name of the system. Default: Nanos.'),
      release: z.string().optional().describe('Its release, such as 6.1.0. Default: 5.0 with the release of Nanos.'),
      version: z.string().optional().describe('Its build. Today’s Nanos gives its own, whatever stands here.'),
    })
    .optional()
    .describe('What the uname call answers, for programs that look for Linux.'),
  reboot_on_exit: exitMatchSchema
    .optional()
    .describe('Reboots when the program ends with such a code: true for any but 0. Firstlight ends the instance then.'),
  idle_on_exit: exitMatchSchema
    .optional()
    .describe('Stays on, doing nothing, when the program ends with such a code: true for 0.'),
  expected_exit_code: z
    .union([z.string().regex(/^(\*|!?\d{1,3})$/, '"*", "3" or "!0"'), z.array(z.number().int().min(0).max(255))])
    .optional()
    .describe('Exit codes that count as 0.'),
  debug_exit: z.boolean().optional().describe('Ends through QEMU’s debug-exit device, which carries the exit code.'),
  trace: z
    .union([z.boolean(), z.array(symbolSchema)])
    .optional()
    .describe('Prints what the kernel does: all of it, or by subject (pf, threadrun, other).'),
  ltrace: z.boolean().optional().describe('Prints calls of library functions. Needs a program with symbols.'),
  fault: z.boolean().optional().describe('Prints registers and memory at a fault of the program.'),
  missing_files: z
    .boolean()
    .optional()
    .describe('Prints, when the program ends, the files that it looked for in vain.'),
  gdb: z.boolean().optional().describe('Waits for gdb at the program’s start.'),
  ingest_program_symbols: z.boolean().optional().describe('Loads the program’s symbols, for its traces.'),
  ingest_kernel_symbols: z.boolean().optional().describe('Loads the kernel’s symbols from the boot file system.'),
  coredumplimit: z
    .string()
    .regex(/^\d+[kKmMgG]?$/, 'a size such as 64M')
    .optional()
    .describe('Largest core file written into the image when the program crashes, such as 64M.'),
  log_level: z
    .enum(['err', 'warn', 'info'])
    .optional()
    .describe('How much the kernel says on the console. Default: err.'),
  tracelog: z
    .strictObject({
      file: guestPathSchema.optional().describe('Writes them to this file.'),
      disable: z.boolean().optional().describe('Begins without collecting.'),
      alloc_size: z.number().int().min(4096).optional().describe('Size of each of its buffers, in bytes.'),
      trace_tags: z.array(symbolSchema).optional().describe('The only subjects to collect.'),
    })
    .optional()
    .describe('Collects traces in memory, or in a file. Needs a kernel that was built with it.'),
  consoles: z
    .array(z.string().regex(/^[+-](serial|vga|net)$/, '"+net", "-serial" or "-vga"'))
    .optional()
    .describe('Consoles to switch on (+) or off (-).'),
  exec_wait_for_ip4_secs: z
    .number()
    .int()
    .min(1)
    .max(180)
    .optional()
    .describe('Starts the program when there is an address, or after so many seconds.'),
  debugsyscalls: z.boolean().optional().describe('Prints every system call. Needs the klib strace.'),
  notrace: z.array(symbolSchema).optional().describe('System calls that debugsyscalls leaves out.'),
  tracelist: z.array(symbolSchema).optional().describe('The only system calls that debugsyscalls prints.'),
  syscall_summary: z
    .boolean()
    .optional()
    .describe('Prints how often and how long each system call was used. Needs the klib strace.'),
});
export type NanosOptions = z.output<typeof nanosOptionsSchema>;

/** The network of an instance. */
export const nanosNetworkSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('user'),
    outbound: z
      .boolean()
      .default(false)
      .describe(
        'Lets the guest open connections: to the Internet, your local network and, as 10.0.2.2, the services of this machine. Default: only its forwarded ports are open.',
      ),
  }),
  z.strictObject({
    kind: z.literal('network'),
    name: z.string().min(1).max(64).describe('Name of a network of libvirt, such as default.'),
  }),
  z.strictObject({
    kind: z.literal('bridge'),
    name: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,15}$/, 'a bridge’s name')
      .describe('Name of a bridge of this machine, such as br0.'),
  }),
  z.strictObject({ kind: z.literal('none') }),
]);
export type NanosNetwork = z.output<typeof nanosNetworkSchema>;

/** The options that only the runtime Nanos has. */
export const nanosConfigSchema = z.strictObject({
  release: kernelVersionSchema
    .optional()
    .describe('The Nanos release. Default: the one in use (`firstlight nanos use`).'),
  network: nanosNetworkSchema
    .default({ kind: 'user', outbound: false })
    .describe('How the guest is reached: user mode (no root needed), a network or bridge of libvirt, or not at all.'),
  address: z
    .strictObject({
      ip: ipv4Schema.describe('The address, such as 192.168.122.40.'),
      netmask: ipv4Schema.optional().describe('Default: 255.255.255.0.'),
      gateway: ipv4Schema.optional().describe('Default: the first address of the network.'),
      mtu: z.number().int().min(576).max(65_535).optional().describe('Largest packet, in bytes.'),
    })
    .optional()
    .describe('A fixed address. Default: DHCP; in user mode a fixed one, which saves waiting for DHCP.'),
  klibs: z
    .array(z.string().regex(/^[a-z0-9_]{1,32}$/, 'a klib’s name'))
    .default([])
    .describe('Kernel libraries to load: cloud_init, ntp, sandbox, strace, syslog, tls, tmpfs, …'),
  boot: z
    .enum(['auto', 'disk', 'direct'])
    .default('auto')
    .describe(
      '`direct` has QEMU load the kernel, which is quicker; `disk` has the firmware boot the disk, which works with every release. `auto` is `direct` where a kernel was seen to boot so.',
    ),
  debug: z
    .strictObject({
      trace: z.boolean().default(false).describe('The kernel’s own trace.'),
      strace: z.boolean().default(false).describe('Every system call, by the klib strace.'),
      missingFiles: z.boolean().default(false).describe('Files that were looked for in vain.'),
    })
    .default({ trace: false, strace: false, missingFiles: false })
    .describe('Diagnostics, one switch each. Their output is shown apart from the program’s.'),
  options: nanosOptionsSchema.default({}).describe('Options of Nanos’ root tuple, by Nanos’ names.'),
});
export type NanosConfig = z.output<typeof nanosConfigSchema>;

/** The options of a project, with all defaults filled in. */
export const nanosConfigOf = ({ runtimeOptions }: Pick<ProjectConfig, 'runtimeOptions'>): NanosConfig =>
  nanosConfigSchema.parse(runtimeOptions ?? {});

/** The section, in the form that the rest of Firstlight shows and reads. */
export const nanosOptions: RuntimeOptions = {
  schema: nanosConfigSchema,
  groups: [
    { id: 'network', title: 'Network', paths: ['network', 'address', 'options.exec_wait_for_ip4_secs'] },
    { id: 'kernel', title: 'Kernel, klibs', paths: ['release', 'klibs', 'boot'] },
    { id: 'diagnostics', title: 'Diagnostics', paths: ['debug'] },
    {
      id: 'tuple',
      title: 'Root tuple',
      note: 'Options of Nanos itself, by its own names: they are written into the image, for the kernel to read.',
      paths: ['options'],
    },
  ],
  hadProgramKeys: true,
};
