import type { Comparison } from '../../state/comparison.ts';
import { formatMs } from '../../ui/format.ts';

/** A comparison in words: `12.3 ms faster`, or that the difference is within the noise. */
export function changeWords({ deltaMs, caveat, verdict }: Comparison): string {
  if (verdict === 'same') return 'as fast, within the noise';
  const difference = `${formatMs(Math.abs(deltaMs))} ${deltaMs > 0 ? 'slower' : 'faster'}`;
  return caveat === null ? difference : `${difference}, ${caveat}`;
}
