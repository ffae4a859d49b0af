/**
 * Rates per second between consecutive readings of counters that only grow.
 *
 * Shape: as long as the readings; entry `i` applies to the stretch from reading `i − 1` to reading `i`, entry 0 is NaN.
 * Where a counter fell (its owner was replaced) or time did not advance, the entry is NaN: unknown, never negative.
 * Units: `atMs` in ms; the result in units of `totals` per second.
 */
export function counterRates(atMs: Float64Array, totals: Float64Array): Float64Array {
  const rates = new Float64Array(atMs.length).fill(Number.NaN);
  for (let i = 1; i < atMs.length; i++) {
    const elapsedMs = (atMs[i] ?? 0) - (atMs[i - 1] ?? 0);
    const grown = (totals[i] ?? 0) - (totals[i - 1] ?? 0);
    if (elapsedMs > 0 && grown >= 0) rates[i] = (grown / elapsedMs) * 1000;
  }
  return rates;
}

/**
 * As `counterRates`, for counters that are not read for every entry: `readAtMs` is when each total was read.
 *
 * Shape: the rate between two readings applies to all entries between them; after the last reading it is NaN.
 */
export function sparseRates(readAtMs: Float64Array, totals: Float64Array): Float64Array {
  const fresh: number[] = [];
  readAtMs.forEach((at, i) => {
    if (i === 0 || at !== readAtMs[i - 1]) fresh.push(i);
  });
  const pick = (values: Float64Array) => Float64Array.from(fresh, (i) => values[i] ?? Number.NaN);
  const between = counterRates(pick(readAtMs), pick(totals));
  const rates = new Float64Array(totals.length).fill(Number.NaN);
  fresh.forEach((end, n) => {
    if (n > 0) rates.fill(between[n] ?? Number.NaN, (fresh[n - 1] ?? 0) + 1, end + 1);
  });
  return rates;
}

/** The index of the first entry of ascending `values` that is not below `target`; the length when there is none. */
export function lowerBound(values: Float64Array, target: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] as number) < target) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The greatest number in `values`, NaN entries left out; `least` when no entry is greater. */
export function greatest(values: Float64Array, least: number): number {
  let result = least;
  for (const value of values) if (value > result) result = value;
  return result;
}

/**
 * Rates of a counter that cannot grow faster than `ceiling`. A stretch that seems to is averaged with those before it: its
 * reading came late, and the stretch before it was counted short.
 */
export function boundRates(at: Float64Array, rates: Float64Array, ceiling: number): Float64Array {
  const out = Float64Array.from(rates);
  for (let end = 1; end < out.length; end++) {
    if (!((out[end] as number) > ceiling)) continue;
    let begin = end;
    let amount = (out[end] as number) * span(at, end);
    let length = span(at, end);
    while (amount > ceiling * length && begin > 1 && !Number.isNaN(out[begin - 1] as number)) {
      begin--;
      amount += (out[begin] as number) * span(at, begin);
      length += span(at, begin);
    }
    out.fill(Math.min(ceiling, amount / length), begin, end + 1);
  }
  return out;
}

const span = (at: Float64Array, index: number): number => (at[index] as number) - (at[index - 1] as number);
