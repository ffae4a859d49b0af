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

/**
 * `cold`: the VMM starts after the click. `prestarted`: it was created paused before, and the click resumes it.
 * `prebooted`: the guest has booted before, and the click sends it its request. `restored`: the VMM starts after the click
 * and loads a saved guest that had booted.
 */
export const startModes = ['cold', 'prestarted', 'prebooted', 'restored'] as const;
export const startModeSchema = z.enum(startModes);
export type StartMode = z.infer<typeof startModeSchema>;

/** The start modes that need something made before the click. */
export const aheadModeSchema = startModeSchema.exclude(['cold']);
export type AheadMode = z.infer<typeof aheadModeSchema>;
export const isAheadMode = (mode: StartMode): mode is AheadMode => mode !== 'cold';

/** The part of a cold start that each mode measures, for a person. */
export const startModeWords: Readonly<Record<StartMode, string>> = {
  cold: 'cold start of VMM and guest: both start after the click',
  prestarted: 'cold start of the guest: the VMM waited paused, its image loaded',
  prebooted: 'no cold start: the guest had booted and waited; the call is what remains',
  restored: 'cold start of the VMM: it loads a saved guest, which had booted',
};

/** What a start of that mode is called: a cold start is one in which the guest boots after the click. */
export const startTitle = (mode: StartMode): string =>
  mode === 'cold' || mode === 'prestarted' ? 'Cold start' : 'Start';

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
 * before the click (negative times), null when nothing was. `complete` is false when the start ended early (a failed
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
