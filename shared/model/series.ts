import { z } from 'zod';
import { runSubjectSchema } from './run.ts';
import { phaseNameSchema } from './timeline.ts';
import { runIdSchema } from './units.ts';

/**
 * The spread of a time over the runs of a series. Units: ms. `interval` is the median's 95 % confidence interval;
 * `error` bounds the error of each time.
 */
export const spreadSchema = z.object({
  count: z.number().int(),
  error: z.number(),
  median: z.number(),
  p5: z.number(),
  p95: z.number(),
  min: z.number(),
  max: z.number(),
  interval: z.object({ low: z.number(), high: z.number() }).nullable(),
});
export type Spread = z.output<typeof spreadSchema>;

/** Runs that measure the same thing: same function, image, host, acceleration, start mode and event. Newest first. */
export const runSeriesSchema = z.object({
  functionName: z.string(),
  subject: runSubjectSchema,
  runIds: z.array(runIdSchema),
  total: spreadSchema,
  phases: z.record(phaseNameSchema, spreadSchema),
});
export type RunSeries = z.output<typeof runSeriesSchema>;

/** The difference of a time of a series to that of its baseline. Units: ms, positive when the series takes longer. */
export const seriesDeltaSchema = z.object({
  deltaMs: z.number(),
  /** The probability of a difference at least this clear between two series that measure the same. */
  p: z.number(),
});
export type SeriesDelta = z.output<typeof seriesDeltaSchema>;

/** The differences between two runs. `image`: the code, its build or its configuration. */
export const differences = ['runtime', 'startMode', 'accel', 'host', 'event', 'image'] as const;
export const differenceSchema = z.enum(differences);
export type Difference = z.output<typeof differenceSchema>;

/** A baseline and the series that is compared with it. A single run is a series of one. */
export const comparisonSchema = z.object({
  baseline: runSeriesSchema,
  series: runSeriesSchema,
  /** Empty when both measure the same. */
  differences: z.array(differenceSchema),
  total: seriesDeltaSchema,
  phases: z.record(phaseNameSchema, seriesDeltaSchema),
});
export type Comparison = z.output<typeof comparisonSchema>;
