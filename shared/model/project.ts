import { z } from 'zod';
import { askSchema } from './ask.ts';
import { deploySectionSchema } from './deploy-section.ts';
import { jsonSchema } from './json.ts';
import { kernelWordsSchema } from './kernel.ts';
import { withFormerKeys } from './moved-keys.ts';
import { problemSchema } from './problem.ts';
import { programShape } from './program.ts';
import { type RuntimeSection, runtimeOptionsSchema } from './runtime-options.ts';
import { projectIdSchema } from './units.ts';

/** The name of a runtime, as in `runtimes:list`. The engine determines which runtimes exist. */
export const runtimeIdSchema = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'the id of a runtime');
export type RuntimeId = z.infer<typeof runtimeIdSchema>;

/** A runtime that functions can be built for, as shown for a choice. */
export const runtimeInfoSchema = z.object({
  id: runtimeIdSchema,
  title: z.string(),
  /** One or two sentences on the runtime and the programs that it runs. */
  description: z.string(),
  /** The default memory of an instance. Units: MiB. */
  defaultMemoryMiB: z.number().int(),
  /** False for a runtime that runs only functions. */
  runsPrograms: z.boolean(),
  /** Its own section of `firstlight.json`; null when it has none. */
  options: runtimeOptionsSchema.nullable(),
  /** For runtimes whose kernel a person installs and chooses (`kernels:*`); null when it brings its own. */
  kernels: kernelWordsSchema.nullable(),
  /** True for the default runtime. */
  isDefault: z.boolean(),
});
export type RuntimeInfo = z.output<typeof runtimeInfoSchema>;

/** Images and Java programs use names with dots and dashes, which shells cannot set but programs read. */
export const envNamePattern = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** The file that makes a directory a function project. */
export const configFileName = 'firstlight.json';

/** The keys of `firstlight.json` that all runtimes share, before the defaults that a runtime gives. */
export const configFileSchema = z.strictObject({
  $schema: z.string().optional().describe('Where this schema lies, for editors.'),
  name: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$/, 'lower-case letters, digits and dashes, at most 48 characters')
    .describe('The function’s name: lower-case letters, digits and dashes.'),
  entry: z
    .string()
    .min(1)
    .max(4096)
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
    .record(z.string().regex(envNamePattern, 'an environment variable name'), z.string())
    .default({})
    .describe('Environment of the function, as `process.env`. It is written into the image: no secrets.'),
  timeoutMs: z
    .number()
    .int()
    .min(1)
    .max(900_000)
    .default(10_000)
    .describe('Longest time one invocation may take, in ms.'),
  deploy: deploySectionSchema.optional().describe('How it runs on a cluster. No effect on this machine.'),
  ...programShape,
});

/** The keys that all runtimes share, as a valid `firstlight.json` gives them. */
export type ConfigFile = z.output<typeof configFileSchema>;
/** The same before defaults. */
export type ConfigFileInput = z.input<typeof configFileSchema>;

/** The schema of the whole `firstlight.json` with these runtimes: the keys in their present places. */
export const configFileSchemaFor = oncePerList((runtimes) => extendFor(runtimes, ({ options }) => options?.schema));

/** As `configFileSchemaFor`, with the keys that older files have in a runtime's section. */
export const acceptedFileSchemaFor = oncePerList((runtimes) =>
  extendFor(runtimes, ({ options }) => (options?.hadProgramKeys ? withFormerKeys(options.schema) : options?.schema)),
);

/** A schema is made once per list of runtimes: compiling it at its first use takes some milliseconds. */
function oncePerList(make: (runtimes: readonly RuntimeSection[]) => z.ZodObject) {
  const made = new WeakMap<readonly RuntimeSection[], z.ZodObject>();
  return (runtimes: readonly RuntimeSection[]): z.ZodObject => {
    const schema = made.get(runtimes) ?? make(runtimes);
    made.set(runtimes, schema);
    return schema;
  };
}

function extendFor(
  runtimes: readonly RuntimeSection[],
  schemaOf: (runtime: RuntimeSection) => z.ZodObject | undefined,
): z.ZodObject {
  const runtime = z.enum(runtimes.map(({ id }) => id)).optional();
  const sections = runtimes.flatMap((entry) => {
    const schema = schemaOf(entry)?.optional();
    return schema === undefined ? [] : [[entry.id, schema.describe(sectionWords(entry.id))] as const];
  });
  return configFileSchema.extend({
    runtime: runtime.describe(configFileSchema.shape.runtime.description ?? ''),
    ...Object.fromEntries(sections),
  });
}

const sectionWords = (id: RuntimeId) => `What only the runtime \`${id}\` has. No effect on others.`;

/**
 * The configuration in `firstlight.json`, with all defaults filled in.
 *
 * Units: `memoryMiB` in MiB, `timeoutMs` in ms per invocation.
 */
export const projectConfigSchema = configFileSchema.extend({
  runtime: runtimeIdSchema,
  memoryMiB: z.number().int(),
  /** The section of `firstlight.json` that has the runtime's id as its key; its schema is the runtime's. */
  runtimeOptions: z.record(z.string(), jsonSchema).optional(),
});
export type ProjectConfig = z.output<typeof projectConfigSchema>;

/** A function project that is open in the studio. */
export const projectSchema = z.object({
  id: projectIdSchema,
  /** Absolute path of its directory. */
  dir: z.string(),
  name: z.string(),
  /** Null while `firstlight.json` is not valid; `problems` has the reasons. */
  config: projectConfigSchema.nullable(),
  problems: z.array(problemSchema),
  /** True when its runtime prints diagnostics (a kernel's trace, system calls) among the program's output. */
  printsDiagnostics: z.boolean().optional(),
  /** True when a person trusts this folder. Requests of an untrusted folder are refused. */
  trusted: z.boolean(),
  /** Its requests beyond its own folder, as far as they are known before a build. */
  asks: z.array(askSchema),
});
export type Project = z.output<typeof projectSchema>;

/** A file or folder of a project. Shape: `path` is relative, with `/`, and never starts with `..`. */
export const projectFileSchema = z.object({
  path: z.string(),
  kind: z.enum(['file', 'folder']),
  bytes: z.number().int(),
});
export type ProjectFile = z.output<typeof projectFileSchema>;
