import { z } from 'zod';
import { problemSchema } from './problem.ts';
import { runtimeIdSchema } from './project.ts';
import { bundleIdSchema, bytesSchema, imageIdSchema } from './units.ts';

/** A bootable image, named by the sha256 of all its inputs. */
export const imageSchema = z.object({
  id: imageIdSchema,
  bundleId: bundleIdSchema,
  runtime: runtimeIdSchema,
  functionName: z.string(),
  /** The bootable file on this host. */
  path: z.string(),
  bytes: bytesSchema,
  /** Smallest memory the image boots in. */
  minMemoryMiB: z.number().int(),
  /** The variables that the function read while it was built, where that is known; `*`: all. Others can be given at its start. */
  envAtLoad: z.array(z.string()).optional(),
  /** Whether the function read its arguments while it was built, where that is known. If not, others can be given at its start. */
  argsAtLoad: z.boolean().optional(),
  /** Information of the runtime, in the runtime's own format. */
  runtimeInfo: z.string().optional(),
  createdAt: z.string(),
});
export type Image = z.output<typeof imageSchema>;

/** One step of a build: its work, or the reused result, and the reason. */
export const buildStepSchema = z.object({
  name: z.enum(['config', 'bundle', 'kernel', 'evaluate', 'base', 'write']),
  /** True when an earlier result was reused. */
  reused: z.boolean(),
  /** A sentence for a person: "rebuilt because handler.ts changed". */
  reason: z.string(),
  durationMs: z.number(),
});
export type BuildStep = z.output<typeof buildStepSchema>;

/** The result of a build. Units: `buildMs` is wall time of the whole build. */
export const buildResultSchema = z.object({
  image: imageSchema,
  /** True when nothing had to be made. */
  cached: z.boolean(),
  buildMs: z.number(),
  steps: z.array(buildStepSchema),
  warnings: z.array(problemSchema),
});
export type BuildResult = z.output<typeof buildResultSchema>;
