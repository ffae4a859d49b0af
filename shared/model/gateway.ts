import { z } from 'zod';
import { hostNameSchema } from './host.ts';
import { startModeSchema } from './timeline.ts';
import { instanceIdSchema, projectIdSchema, runIdSchema } from './units.ts';

/** How the local gateway scales each function. */
export const gatewayLimitsSchema = z.object({
  /** How an instance is started when a request finds none free. */
  startMode: startModeSchema.default('cold'),
  /** The most instances of a function; each serves one request at a time. */
  concurrency: z.number().int().min(1).max(64).default(2),
  /** The most requests that wait for a free instance of a function; a further one gets 429. */
  queue: z.number().int().min(0).max(10_000).default(16),
  /** The longest time that an instance stays without a request. */
  idleMs: z.number().int().min(0).max(86_400_000).default(30_000),
  /** The longest time from a request to its answer, with waiting and the cold start; then it gets 504. */
  deadlineMs: z.number().int().min(1).max(900_000).default(60_000),
});
export type GatewayLimits = z.output<typeof gatewayLimitsSchema>;

/** A request that the gateway has answered. */
export const gatewayRequestSchema = z.object({
  /** ISO 8601, of its arrival. */
  at: z.string(),
  /** Empty for a request that names no function. */
  functionName: z.string(),
  /** Null for a request that no function was found for. */
  projectId: projectIdSchema.nullable(),
  method: z.string(),
  path: z.string(),
  status: z.number().int(),
  /** From arrival to answer. */
  durationMs: z.number(),
  /** The wait for a free instance. */
  waitedMs: z.number(),
  /** The recorded run of its cold start; null for a request that an instance was there for. */
  runId: runIdSchema.nullable(),
  /** Why it failed; null for an answer of the function. */
  error: z.string().nullable(),
});
export type GatewayRequest = z.output<typeof gatewayRequestSchema>;

/** A function behind the gateway, and what it has and does now. */
export const gatewayFunctionSchema = z.object({
  name: z.string(),
  projectId: projectIdSchema,
  url: z.string(),
  /** Instances there are, also those that start or serve. */
  instances: z.number().int(),
  /** Those that have started. */
  instanceIds: z.array(instanceIdSchema),
  /** Requests that are being served. */
  busy: z.number().int(),
  /** Requests that wait. */
  waiting: z.number().int(),
  /** The most instances of it: one where they use a resource that only one can have. */
  concurrency: z.number().int(),
  /** Requests answered since the gateway was started, also with an error. */
  requests: z.number().int(),
  /** The last request that had an instance started, and the recorded run of that; null before. */
  lastColdStart: z.object({ at: z.string(), runId: runIdSchema, durationMs: z.number() }).nullable(),
});
export type GatewayFunction = z.output<typeof gatewayFunctionSchema>;

export const gatewaySchema = z.object({
  /** The address of the gateway. */
  url: z.string(),
  host: hostNameSchema.optional(),
  limits: gatewayLimitsSchema,
  functions: z.array(gatewayFunctionSchema),
});
export type Gateway = z.output<typeof gatewaySchema>;
