import { type FuzzReport, runFuzz } from '@firstlight/files/testing';
import { fuzzTargets } from '../fuzz/targets.ts';
import type { BenchOptions } from './options.ts';

/** The inputs of each target, except the shares of large ones. */
const defaultRuns = 1_000_000;

/** The result of `benchFuzz`. */
export interface FuzzBench {
  readonly inputs: number;
  readonly failures: number;
  readonly peakMemoryMiB: number;
  readonly targets: readonly FuzzReport[];
}

/**
 * A million broken inputs for every parser of bytes from outside, with different inputs each day.
 *
 * Errors: an Error with the numbers that repeat the failures.
 */
export async function benchFuzz({ runs = defaultRuns, log }: BenchOptions): Promise<FuzzBench> {
  const seed = Math.floor(Date.now() / 86_400_000);
  const targets: FuzzReport[] = [];
  for (const target of fuzzTargets) {
    const count = Math.ceil(runs * (target.share ?? 1));
    const onProgress = (done: number) => {
      if (done % 100_000 === 0) log(`${target.name}: ${done} of ${count}`);
    };
    const report = await runFuzz(target, { count, seed, onProgress });
    log(`${target.name}: ${report.count} in ${report.seconds.toFixed(1)} s, ${report.failures.length} failed`);
    targets.push(report);
  }
  const failures = targets.flatMap((report) => report.failures.map((failure) => ({ target: report.name, ...failure })));
  if (failures.length > 0) throw new Error(`What no input may do: ${JSON.stringify(failures, null, 2)}`);
  return {
    inputs: targets.reduce((sum, report) => sum + report.count, 0),
    failures: 0,
    peakMemoryMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    targets,
  };
}
