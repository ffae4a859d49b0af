import { z } from 'zod';
import { problemSchema } from './problem.ts';
import { bytesSchema } from './units.ts';

/** The kinds of source from which a project can be made. */
export const importKinds = ['elf', 'ops-config', 'ops-package', 'oci-image'] as const;
export const importKindSchema = z.enum(importKinds);
export type ImportKind = z.output<typeof importKindSchema>;

/** Why a found program may not run, or not as it did elsewhere. */
export const importWarningCodes = [
  /** It starts other programs: a unikernel runs one process. */
  'fork',
  /** Its entry point is a shell or a script for one. */
  'shell',
  /** Its entry point is an init, which starts the program and waits for it. */
  'init',
  /** It asks for a user other than root: a unikernel has none. */
  'user',
  /** It is not for x86-64 Linux. */
  'architecture',
  /** A file that it needs was not found. */
  'missing',
  /** A setting of the source has no effect here. */
  'ignored',
  /** Files that an image cannot contain were left out: device nodes, pipes. */
  'skipped',
] as const;
export const importWarningSchema = z.object({
  code: z.enum(importWarningCodes),
  message: z.string(),
  /** Advice, in one sentence. */
  hint: z.string().nullable(),
});
export type ImportWarning = z.output<typeof importWarningSchema>;

/** All shared libraries of an ELF program, at any depth. Units: `bytes` of all files together. */
export const importClosureSchema = z.object({
  /** True when the program needs no file but itself. */
  isStatic: z.boolean(),
  /** The dynamic linker that it names. */
  interpreter: z.string().nullable(),
  libraries: z.array(z.object({ name: z.string(), path: z.string(), bytes: bytesSchema })),
  bytes: bytesSchema,
});

/**
 * The project that a source would become. Nothing is written yet.
 *
 * Shape: `program`, `args`, `envNames` and `cwd` as the guest sees them; paths are absolute in it, and `args` leaves the
 * program's own name out.
 */
export const importProposalSchema = z.object({
  /** The source in a form that can be passed again: paths in it are absolute. */
  source: z.string(),
  kind: importKindSchema,
  /** A name for the project, made from the source's. */
  name: z.string(),
  /** The source in a few words: "OCI image, 5 layers". */
  summary: z.string(),
  /** Null when the source names no program that can run: the warnings have the reason. */
  program: z.string().nullable(),
  args: z.array(z.string()),
  /** Names only: values may be secrets. They are in `config`, as they would be in the image. */
  envNames: z.array(z.string()),
  cwd: z.string().nullable(),
  /** The port it is likely to listen on; null when the source has no indication of one. */
  port: z.number().int().nullable(),
  /** The files that go into the image in addition to the kernel. */
  files: z.object({ count: z.number().int(), bytes: bytesSchema }),
  /** For a program whose libraries come from this host; null when the source brings its own. */
  closure: importClosureSchema.nullable(),
  missing: z.array(z.object({ name: z.string(), neededBy: z.string() })),
  warnings: z.array(importWarningSchema),
  /** The problems of the source's own configuration, each with its place. With an error, no project can be made. */
  problems: z.array(problemSchema),
  /** The text of the firstlight.json that would be written. */
  config: z.string(),
  /** The id of the source's content as it was read. `imports:create` takes it, to detect a change in between. */
  digest: z.string(),
  /** False when no project can be made from it: see `problems` and `warnings`. */
  canCreate: z.boolean(),
});
export type ImportProposal = z.output<typeof importProposalSchema>;
