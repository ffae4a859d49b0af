import type { Event } from 'firstlight';

// Elsewhere, every cold start would pay for this table. Here it is made while the image is built: look at `function`
// in the timeline, then at how long the build says it took.
const startedAt = Date.now();
const limit = 200_000;
const primes = sieve(limit);
const tookMs = Date.now() - startedAt;

export default function handler(event: Event) {
  const upTo = Math.min(Number(event.query?.upTo ?? 100), limit);
  if (!(upTo >= 0)) return { status: 400, body: { error: 'upTo must be a number.' } };
  const found = primes.filter((prime) => prime <= upTo);
  return { upTo, count: found.length, largest: found.at(-1) ?? null, madeAtBuildTimeInMs: tookMs };
}

function sieve(end: number): number[] {
  const composite = new Uint8Array(end + 1);
  const found: number[] = [];
  for (let n = 2; n <= end; n++) {
    if (composite[n] === 1) continue;
    found.push(n);
    for (let multiple = n * n; multiple <= end; multiple += n) composite[multiple] = 1;
  }
  return found;
}
