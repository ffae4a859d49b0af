import { z } from 'zod';
import type { WireError } from '../errors.ts';
import { accelSchema } from './instance.ts';
import { jsonSchema } from './json.ts';
import { metricSampleSchema, metricSummarySchema } from './metrics.ts';
import { runtimeIdSchema } from './project.ts';
import { bootTimelineSchema, phaseNameSchema, startModeSchema } from './timeline.ts';
import { bundleIdSchema, bytesSchema, imageIdSchema, instanceIdSchema, projectIdSchema, runIdSchema } from './units.ts';

export const wireErrorSchema = z.custom<WireError>(
  (value) => typeof value === 'object' && value !== null && 'code' in value && 'message' in value,
);

/** A body: a JSON value, a string for text, or bytes in base64. */
export const bodySchema = z.union([
  z.object({ kind: z.literal('json'), value: jsonSchema }),
  z.object({ kind: z.literal('text'), value: z.string() }),
  z.object({ kind: z.literal('bytes'), base64: z.string() }),
]);
export type Body = z.output<typeof bodySchema>;

/** The response of the function. Shape: header names in lower case. Units: `bytes` is the body's size as sent. */
export const responseSchema = z.object({
  status: z.number().int().min(100).max(599),
  headers: z.record(z.string(), z.string()),
  body: bodySchema,
  bytes: bytesSchema,
});
export type Response = z.output<typeof responseSchema>;

/** One invocation of a running instance. Units: `durationMs` from request sent to response received, on the host. */
export const invocationSchema = z.object({
  response: responseSchema.nullable(),
  error: wireErrorSchema.nullable(),
  durationMs: z.number(),
});
export type Invocation = z.output<typeof invocationSchema>;

/**
 * The subject that a run measures. Runs with equal subjects, except for `commit`, measure the same thing.
 *
 * Units: `eventDigest` is the sha256, in hex, of the event as JSON with sorted keys.
 */
export const runSubjectSchema = z.object({
  imageId: imageIdSchema,
  bundleId: bundleIdSchema,
  /** The address of the run's host: a libvirt URI. */
  host: z.string(),
  accel: accelSchema,
  startMode: startModeSchema,
  eventDigest: z.string().regex(/^[0-9a-f]{64}$/),
  /** The checked-out commit of the project's folder; null outside of a git repository. */
  commit: z.string().nullable(),
});
export type RunSubject = z.output<typeof runSubjectSchema>;

/** One cold start with all its observations, as the store keeps it. */
export const runSchema = z.object({
  id: runIdSchema,
  projectId: projectIdSchema,
  functionName: z.string(),
  /** The name that a person gave it; absent until then. */
  name: z.string().min(1).max(80).optional(),
  projectDir: z.string(),
  runtime: runtimeIdSchema,
  /** ISO 8601, of the click. */
  startedAt: z.string(),
  /** The click on the scale of `MetricSample.atMs`. */
  clickedAtMs: z.number(),
  startMode: startModeSchema,
  /** The wait of a run for an instance made ahead, before its start; absent when one was ready. Units: ms. */
  waitedMs: z.number().optional(),
  /** `interrupted`: the studio ended before the run did; found at the next start. */
  outcome: z.enum(['running', 'ok', 'failed', 'cancelled', 'interrupted']),
  /** Null for runs from before this field existed. */
  subject: runSubjectSchema.nullable().default(null),
  image: z.object({ id: imageIdSchema, bytes: bytesSchema, cached: z.boolean(), buildMs: z.number() }).nullable(),
  instance: z
    .object({
      id: instanceIdSchema,
      domain: z.string(),
      uri: z.string(),
      accel: accelSchema,
      memoryMiB: z.number(),
      vcpus: z.number(),
    })
    .nullable(),
  event: jsonSchema,
  response: responseSchema.nullable(),
  error: wireErrorSchema.nullable(),
  timeline: bootTimelineSchema.nullable(),
  metrics: metricSummarySchema.nullable(),
  samples: z.array(metricSampleSchema),
});
export type Run = z.output<typeof runSchema>;

/** A run as a list shows it. */
export const runSummarySchema = runSchema
  .pick({
    id: true,
    projectId: true,
    functionName: true,
    runtime: true,
    startedAt: true,
    startMode: true,
    outcome: true,
    name: true,
    subject: true,
  })
  .extend({
    totalMs: z.number().nullable(),
    /** The length of each phase; null without a timeline. */
    phasesMs: z.record(phaseNameSchema, z.number()).nullable(),
    /** The error bound of each of these lengths. */
    phaseErrorsMs: z.record(phaseNameSchema, z.number()).nullable(),
    status: z.number().nullable(),
    accel: accelSchema.nullable(),
    errorCode: z.string().nullable(),
  });
export type RunSummary = z.output<typeof runSummarySchema>;
