import { z } from 'zod';
import { moveProgramKeys, nanosFileSchema } from './moved-keys.ts';
import { nanosConfigSchema } from './nanos.ts';
import { problemSchema } from './problem.ts';
import { programShape } from './program.ts';
import { projectIdSchema } from './units.ts';

/** Runtimes a function can be built for. */
export const runtimeIds = ['ember', 'nanos'] as const;
export const runtimeIdSchema = z.enum(runtimeIds);
export type RuntimeId = z.infer<typeof runtimeIdSchema>;

/** The file that makes a directory a function project. */
export const configFileName = 'firstlight.json';

/** The traits of a runtime that the configuration of a function depends on. */
interface RuntimeTraits {
  /** Units: MiB. */
  readonly defaultMemoryMiB: number;
  /** False for a runtime that runs a function and nothing else. */
  readonly runsPrograms: boolean;
}

/** Node.js on Nanos starts in some 120 MiB; what it serves needs room too. */
export const runtimeTraits: Readonly<Record<RuntimeId, RuntimeTraits>> = {
  ember: { defaultMemoryMiB: 64, runsPrograms: false },
  nanos: { defaultMemoryMiB: 256, runsPrograms: true },
};

/** True for a runtime that runs programs; `runtime` is what a file says, undefined for the default. */
const canRunPrograms = (runtime: unknown): boolean => {
  const parsed = runtimeIdSchema.safeParse(runtime ?? 'ember');
  return parsed.success && runtimeTraits[parsed.data].runsPrograms;
};

/** The keys of `firstlight.json` in their present places. */
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
  ...programShape,
  nanos: nanosConfigSchema.optional().describe('What only the runtime `nanos` has. No effect on others.'),
});

/** As `configFileSchema`, with the keys that older files have under `nanos`. */
export const acceptedFileSchema = configFileSchema.extend({
  nanos: nanosFileSchema.optional().describe(configFileSchema.shape.nanos.description ?? ''),
});

/**
 * What `firstlight.json` says, with defaults filled in. Older files are read as what they mean today.
 *
 * Units: `memoryMiB` in MiB, `timeoutMs` in ms per invocation.
 */
export const projectConfigSchema = z.preprocess(
  (value) => moveProgramKeys(value, canRunPrograms),
  configFileSchema.transform((config) => ({
    ...config,
    memoryMiB: config.memoryMiB ?? runtimeTraits[config.runtime].defaultMemoryMiB,
  })),
);
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
