import { runFuzz } from '@firstlight/files/testing';
import { fuzzTargets } from '../fuzz/targets.ts';
import type { SoakOptions, SoakReport } from './options.ts';
import { createTally } from './tally.ts';

/** Gives each parser its share of `count` broken inputs; slow parsers have a smaller share. */
export async function soakFuzz({ count, seed, signal, log }: SoakOptions): Promise<SoakReport> {
  const tally = createTally(log);
  const shares = fuzzTargets.reduce((sum, { share = 1 }) => sum + share, 0);
  for (const target of fuzzTargets) {
    if (signal.aborted) break;
    const wanted = Math.ceil((count * (target.share ?? 1)) / shares);
    const {
      count: done,
      accepted,
      refused,
      failures,
      slowestMs,
    } = await runFuzz(target, { count: wanted, seed, signal });
    log(`${target.name}: ${done}, of which ${accepted} were read; the slowest took ${slowestMs.toFixed(0)} ms`);
    tally.add('inputs', done);
    tally.add('inputs that were read', accepted);
    tally.add('inputs that were refused', refused);
    tally.add(`inputs: ${target.name}`, done);
    tally.peak('most milliseconds that one took', Math.round(slowestMs));
    for (const { index, reason, input } of failures) {
      tally.harm(`${target.name}, seed ${seed}, input ${index} (${input}): ${reason}`);
    }
  }
  return tally.report();
}
