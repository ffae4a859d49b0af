import type { RateColumns } from './rate-columns.ts';

/** The resources of a replica at one time. Units: ms since the Unix epoch; % of one processor; bytes. Null: not measured. */
export interface UsageReading {
  readonly atMs: number;
  readonly cpuPercent: number | null;
  readonly memoryBytes: number | null;
}

/** Readings as columns for drawing, those of the last `windowMs`. What nobody measures of a replica is unknown. */
export function usageColumns(readings: readonly UsageReading[], windowMs: number): RateColumns {
  const sinceMs = (readings.at(-1)?.atMs ?? 0) - windowMs;
  const kept = readings.filter(({ atMs }) => atMs >= sinceMs);
  const column = (read: (reading: UsageReading) => number | null) =>
    Float64Array.from(kept, (reading) => read(reading) ?? Number.NaN);
  const unknown = column(() => null);
  return {
    atSeconds: Float64Array.from(kept, ({ atMs }) => atMs / 1000),
    cpu: column(({ cpuPercent }) => (cpuPercent === null ? null : cpuPercent / 100)),
    memory: column(({ memoryBytes }) => memoryBytes),
    ...{ heapUsed: unknown, heapClaimed: unknown, diskRead: unknown, diskWrite: unknown },
    ...{ netReceive: unknown, netTransmit: unknown },
  };
}
