import { z } from 'zod';
import { runSubjectSchema } from './run.ts';
import { phaseNameSchema } from './timeline.ts';
import { runIdSchema } from './units.ts';

/** The spread of a figure over the runs of a series. Units: ms. `interval` is the median's 95 % confidence interval. */
export const spreadSchema = z.object({
  count: z.number().int(),
  median: z.number(),
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

/** The difference of a figure between a series and its baseline. Units: ms, positive when the series takes longer. */
export const seriesDeltaSchema = z.object({
  deltaMs: z.number(),
  /** The chance of a difference at least this clear between two series that measure the same. */
  p: z.number(),
});
export type SeriesDelta = z.output<typeof seriesDeltaSchema>;

/** A comparison of a baseline and a series. A single run is a series of one. */
export const comparisonSchema = z.object({
  baseline: runSeriesSchema,
  series: runSeriesSchema,
  total: seriesDeltaSchema,
  phases: z.record(phaseNameSchema, seriesDeltaSchema),
});
export type Comparison = z.output<typeof comparisonSchema>;
