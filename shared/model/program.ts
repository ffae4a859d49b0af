/**
 * The keys of `firstlight.json` for the program and its inputs. They mean the same on every runtime
 * that runs programs.
 */
import { z } from 'zod';
import { volumeNameSchema, volumeSizeSchema } from './volume-name.ts';

export const guestPathSchema = z
  .string()
  .regex(/^\/[^\0]*$/, 'an absolute path in the guest')
  .refine((path) => !path.split('/').includes('..'), 'an absolute path in the guest without ".."');
/** Units: characters. Linux takes 128 KiB in one argument of a program. */
const mostArgumentChars = 128 * 1024;
/** The arguments of a program or a function, without its name. */
export const argsSchema = z
  .array(z.string().refine((text) => !text.includes('\0'), 'a text without a zero byte (\\u0000)'))
  .max(1024)
  .refine(
    (args) => args.reduce((sum, { length }) => sum + length, 0) <= mostArgumentChars,
    'arguments of 131072 characters in all at most',
  );
const hostPathSchema = z.string().min(1).max(4096);
const portSchema = z.number().int().min(1).max(65_535);

/** A volume of a function: a separate image that outlives the function's instances. */
export const mountedVolumeSchema = z.strictObject({
  mount: guestPathSchema.describe('Where it is mounted in the guest.'),
  sizeMiB: volumeSizeSchema.describe('Its size in MiB when it is made.'),
});
export type MountedVolume = z.output<typeof mountedVolumeSchema>;

/**
 * The program that runs instead of the function at `entry`.
 *
 * Shape: at most one of these keys. Host paths are relative to the project, or absolute.
 */
const sourceShape = {
  program: hostPathSchema.optional().describe('A Linux program (ELF) to run instead of a function.'),
  python: z
    .strictObject({
      script: hostPathSchema.describe('The script to run, relative to the project.'),
      interpreter: hostPathSchema.optional().describe('Default: python3 of this machine.'),
      packages: hostPathSchema.optional().describe('A folder with installed packages (`pip install --target`).'),
    })
    .optional()
    .describe('A Python program: interpreter, standard library and packages go into the image.'),
  package: hostPathSchema.optional().describe('An ops package: a directory or tarball `name_version`.'),
  image: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe('An OCI image: oci:DIR, oci-archive:FILE, docker-archive:FILE, or docker://REGISTRY/NAME:TAG.'),
};

/** The keys that name a program. */
export const programSourceKeys = [
  'program',
  'python',
  'package',
  'image',
] as const satisfies (keyof typeof sourceShape)[];

/** The schema of each key. */
export const programShape = {
  ...sourceShape,
  node: hostPathSchema
    .optional()
    .describe('The Node.js that runs a function where the runtime needs one. Default: the one of this machine.'),
  args: argsSchema
    .optional()
    .describe(
      'Arguments of the program, without its name; of a function, `process.argv` from the third on. They are written into the image: no secrets.',
    ),
  files: z
    .record(guestPathSchema, hostPathSchema)
    .default({})
    .describe('Further files and folders: path in the guest to path on this machine.'),
  port: portSchema
    .nullable()
    .default(8080)
    .describe(
      'Where the program serves HTTP. null: it serves none, and runs to its end; what it printed is the answer.',
    ),
  hostPort: portSchema.optional().describe('The port on 127.0.0.1 that leads to `port`. Default: a free one.'),
  ports: z
    .array(
      z.strictObject({
        guest: portSchema.describe('The port in the guest.'),
        host: portSchema
          .optional()
          .describe('The port on 127.0.0.1. Default: a free one; for UDP the same as in the guest.'),
        udp: z.boolean().default(false).describe('UDP instead of TCP.'),
      }),
    )
    .max(64)
    .default([])
    .describe('Further ports to forward from 127.0.0.1.'),
  volumes: z
    .record(volumeNameSchema, mountedVolumeSchema)
    .default({})
    .describe('Volumes that outlive the instance, by name.'),
};

export type ProgramKey = keyof typeof programShape;
export const programKeys = Object.keys(programShape) as readonly ProgramKey[];
