import { z } from 'zod';
import { nanosFileSchema } from './moved-keys.ts';
import { nanosConfigSchema } from './nanos.ts';
import { problemSchema } from './problem.ts';
import { programShape } from './program.ts';
import { projectIdSchema } from './units.ts';

/** The name of a runtime, such as the engine lists it in `runtimes:list`. Which ones there are is the engine's to say. */
export const runtimeIdSchema = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'the id of a runtime');
export type RuntimeId = z.infer<typeof runtimeIdSchema>;

/** A runtime that functions can be built for, for people who choose one. */
export const runtimeInfoSchema = z.object({
  id: runtimeIdSchema,
  title: z.string(),
  /** One or two sentences: what it is and what it runs. */
  description: z.string(),
  /** Memory of an instance whose configuration names none. Units: MiB. */
  defaultMemoryMiB: z.number().int(),
  /** False for a runtime that runs a function and nothing else. */
  runsPrograms: z.boolean(),
  /** True for the one that a project uses when it names none. */
  isDefault: z.boolean(),
});
export type RuntimeInfo = z.output<typeof runtimeInfoSchema>;

/** The file that makes a directory a function project. */
export const configFileName = 'firstlight.json';

/** The keys of `firstlight.json` in their present places, before the defaults that its runtime gives. */
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
  runtime: runtimeIdSchema.optional().describe('What boots. Default: the built-in unikernel.'),
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
    .describe('Memory of an instance in MiB. Default: what its runtime needs for a small function.'),
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
  ...programShape,
  nanos: nanosConfigSchema.optional().describe('What only the runtime `nanos` has. No effect on others.'),
});

/** What a valid `firstlight.json` says, before the defaults that its runtime gives. */
export type ConfigFile = z.output<typeof configFileSchema>;

/** As `configFileSchema`, with the keys that older files have under `nanos`. */
export const acceptedFileSchema = configFileSchema.extend({
  nanos: nanosFileSchema.optional().describe(configFileSchema.shape.nanos.description ?? ''),
});

/** The `runtime` key where these runtimes are there: which, as a choice. */
const runtimeKeyFor = (runtimes: readonly RuntimeId[]) => ({
  runtime: z
    .enum(runtimes)
    .optional()
    .describe(configFileSchema.shape.runtime.description ?? ''),
});

/** As `configFileSchema`, where these runtimes are there. */
export const configFileSchemaFor = (runtimes: readonly RuntimeId[]) => configFileSchema.extend(runtimeKeyFor(runtimes));

/** As `acceptedFileSchema`, where these runtimes are there. */
export const acceptedFileSchemaFor = (runtimes: readonly RuntimeId[]) =>
  acceptedFileSchema.extend(runtimeKeyFor(runtimes));

/**
 * What `firstlight.json` says, with all defaults filled in.
 *
 * Units: `memoryMiB` in MiB, `timeoutMs` in ms per invocation.
 */
export const projectConfigSchema = configFileSchema.extend({
  runtime: runtimeIdSchema,
  memoryMiB: z.number().int(),
});
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
