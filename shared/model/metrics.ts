import { z } from 'zod';
import { bytesSchema, instanceIdSchema } from './units.ts';

/**
 * The heap of the language that a function runs in, where its guest reports it. Units: `heapUsedBytes` are taken by
 * values; `heapClaimedBytes` is the memory that the engine has taken for them, which never shrinks; of the machine's
 * memory it can get `heapLimitBytes`. As of the guest's last message: between two invocations nothing of it changes.
 */
const heapUse = {
  heapUsedBytes: bytesSchema.optional(),
  heapClaimedBytes: bytesSchema.optional(),
  heapLimitBytes: bytesSchema.optional(),
};

/**
 * Counters of one instance at one instant, as libvirt reports them.
 *
 * Units: `atMs` is ms since the Unix epoch with fractions, taken from the host's monotonic clock (never jumps back);
 * the rest are totals since the VMM started, except `memoryBytes`, which is the VMM's resident size. `devicesAtMs` is when
 * the counters of disk and net were read, where that was earlier than the rest: they are then repeated.
 */
export const metricSampleSchema = z.object({
  instanceId: instanceIdSchema,
  atMs: z.number(),
  cpuNs: z.number(),
  memoryBytes: bytesSchema,
  diskReadBytes: bytesSchema,
  diskWriteBytes: bytesSchema,
  netReceiveBytes: bytesSchema,
  netTransmitBytes: bytesSchema,
  devicesAtMs: z.number().optional(),
  ...heapUse,
});
export type MetricSample = z.output<typeof metricSampleSchema>;

/**
 * The resources of a run, for a summary line. Units: `cpuMs` is VMM CPU time up to the response. The heap is that after
 * the response; what it has claimed by then is its peak.
 */
export const metricSummarySchema = z.object({
  cpuMs: z.number(),
  peakMemoryBytes: bytesSchema,
  diskReadBytes: bytesSchema,
  diskWriteBytes: bytesSchema,
  netReceiveBytes: bytesSchema,
  netTransmitBytes: bytesSchema,
  ...heapUse,
});
export type MetricSummary = z.output<typeof metricSummarySchema>;

/** The heap of the function's engine. Units: bytes, as in `MetricSample`. */
export interface HeapUse {
  readonly usedBytes: number;
  readonly claimedBytes: number;
  /** Null when the guest has not reported it to this session. */
  readonly limitBytes: number | null;
}
