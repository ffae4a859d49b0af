import type { SoakReport } from './options.ts';

/** The counts and the harm of a part. */
export interface Tally {
  readonly add: (name: string, more?: number) => void;
  /** Keeps the largest value. */
  readonly peak: (name: string, value: number) => void;
  readonly harm: (line: string) => void;
  /** Records a difference between the actual and the required state as harm. */
  readonly expect: (what: string, actual: unknown, expected: unknown) => void;
  readonly harmCount: () => number;
  readonly report: () => SoakReport;
}

/** An empty tally. `log` gets harm at once: a soak takes hours. */
export function createTally(log: (line: string) => void): Tally {
  const counts: Record<string, number> = {};
  const lines: string[] = [];
  const harm = (line: string) => {
    lines.push(line);
    log(`HARM: ${line}`);
  };
  return {
    add: (name, more = 1) => {
      counts[name] = (counts[name] ?? 0) + more;
    },
    peak: (name, value) => {
      counts[name] = Math.max(counts[name] ?? 0, value);
    },
    harm,
    expect: (what, actual, expected) => {
      const [seen, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
      if (seen !== wanted) harm(`${what}: ${seen}, not ${wanted}`);
    },
    harmCount: () => lines.length,
    report: () => ({ counts: { ...counts }, harm: [...lines] }),
  };
}
