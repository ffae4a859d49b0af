import { z } from 'zod';
import { nanosConfigSchema } from './nanos.ts';
import { problemSchema } from './problem.ts';
import { projectIdSchema } from './units.ts';

/** Runtimes a function can be built for. */
export const runtimeIds = ['ember', 'nanos'] as const;
export const runtimeIdSchema = z.enum(runtimeIds);
export type RuntimeId = z.infer<typeof runtimeIdSchema>;

/** The file that makes a directory a function project. */
export const configFileName = 'firstlight.json';

/** Node.js on Nanos starts in some 120 MiB; what it serves needs room too. */
const defaultMemoryMiB: Readonly<Record<RuntimeId, number>> = { ember: 64, nanos: 256 };

/** The keys of `firstlight.json`, before defaults that depend on one another are filled in. */
export const configFileSchema = z.strictObject({
  $schema: z.string().optional().describe('Where this schema lies, for editors.'),
  name: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$/, 'lower-case letters, digits and dashes, at most 48 characters')
    .describe('The function’s name: lower-case letters, digits and dashes.'),
  entry: z
    .string()
    .min(1)
    .default('handler.ts')
    .describe('The file whose default export is the handler, relative to this file.'),
  runtime: runtimeIdSchema
    .default('ember')
    .describe('What boots: `ember` is the built-in unikernel; `nanos` runs Node.js and any Linux program.'),
  convention: z
    .enum(['firstlight', 'lambda'])
    .optional()
    .describe(
      'How the handler is called and its answers are taken: as Firstlight has it, or as AWS Lambda behind an HTTP API. Default: firstlight.',
    ),
  memoryMiB: z
    .number()
    .int()
    .min(1)
    .max(65_536)
    .optional()
    .describe('Memory of an instance in MiB. Default: 64 for ember, 256 for nanos.'),
  vcpus: z.number().int().min(1).max(64).default(1).describe('Virtual CPUs of an instance.'),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'an environment variable name'), z.string())
    .default({})
    .describe('Environment of the function, as `process.env`. It is written into the image: no secrets.'),
  timeoutMs: z
    .number()
    .int()
    .min(1)
    .max(900_000)
    .default(10_000)
    .describe('Longest time one invocation may take, in ms.'),
  nanos: nanosConfigSchema.optional().describe('What the runtime `nanos` runs, and how. Without effect on others.'),
});

/**
 * What `firstlight.json` says, with defaults filled in.
 *
 * Units: `memoryMiB` in MiB, `timeoutMs` in ms per invocation.
 */
export const projectConfigSchema = configFileSchema.transform((config) => ({
  ...config,
  memoryMiB: config.memoryMiB ?? defaultMemoryMiB[config.runtime],
}));
export type ProjectConfig = z.output<typeof projectConfigSchema>;

/** A function project that is open in the studio. */
export const projectSchema = z.object({
  id: projectIdSchema,
  /** Absolute path of its directory. */
  dir: z.string(),
  name: z.string(),
  /** Null while `firstlight.json` is not valid; `problems` says why. */
  config: projectConfigSchema.nullable(),
  problems: z.array(problemSchema),
});
export type Project = z.output<typeof projectSchema>;

/** A file or folder of a project. Shape: `path` is relative, with `/`, and never starts with `..`. */
export const projectFileSchema = z.object({
  path: z.string(),
  kind: z.enum(['file', 'folder']),
  bytes: z.number().int(),
});
export type ProjectFile = z.output<typeof projectFileSchema>;
