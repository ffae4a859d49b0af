import { z } from 'zod';
import { nsSchema } from './units.ts';

/** The phases of a cold start, in order; every runtime has all of them, some of length 0. */
export const phaseNames = [
  'prepare',
  'vmm',
  'firmware',
  'kernel',
  'runtime',
  'function',
  'handler',
  'respond',
] as const;
export const phaseNameSchema = z.enum(phaseNames);
export type PhaseName = z.infer<typeof phaseNameSchema>;

/** `cold`: the VMM starts after the click. `prestarted`: it was created paused before, and the click resumes it. */
export const startModeSchema = z.enum(['cold', 'prestarted']);
export type StartMode = z.infer<typeof startModeSchema>;

/**
 * One observed moment of a start.
 *
 * Units: `atNs` counts from the click (zero) and is negative for work done ahead; the true instant lies within
 * `atNs ± errorNs`.
 */
export const markSchema = z.object({
  name: z.string(),
  /** A description for a person. */
  label: z.string(),
  atNs: nsSchema,
  /** The observer. */
  source: z.enum(['host', 'libvirt', 'qmp', 'serial', 'guest', 'cluster']),
  /** The clock that stamped it. */
  clock: z.enum(['host-monotonic', 'guest-tsc', 'guest-monotonic', 'node-wall']),
  errorNs: nsSchema,
});
export type Mark = z.output<typeof markSchema>;

/** A stretch of a start. Units: `startNs` counts from the click; `errorNs` bounds its starting edge. */
export const phaseSchema = z.object({
  name: phaseNameSchema,
  startNs: nsSchema,
  durationNs: nsSchema,
  errorNs: nsSchema,
});
export type Phase = z.output<typeof phaseSchema>;

/**
 * The distribution of a cold start's time.
 *
 * Shape: `phases` has all of `phaseNames` in order, contiguous from 0, and sums to `totalNs`. `ahead` is the work done
 * before the click (negative times), null for a cold start. `complete` is false when the start ended early (a failed
 * boot): the phases then sum to the moment it ended.
 */
export const bootTimelineSchema = z.object({
  startMode: startModeSchema,
  accel: z.enum(['kvm', 'tcg']),
  totalNs: nsSchema,
  complete: z.boolean(),
  phases: z.array(phaseSchema),
  ahead: z.object({ startNs: nsSchema, durationNs: nsSchema, phases: z.array(phaseSchema) }).nullable(),
  marks: z.array(markSchema),
});
export type BootTimeline = z.output<typeof bootTimelineSchema>;
