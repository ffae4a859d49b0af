/** What every benchmark is given. */
export interface BenchOptions {
  /** How many times each thing is measured; absent: the benchmark's own choice. */
  readonly runs?: number | undefined;
  /** Takes a line of progress. */
  readonly log: (line: string) => void;
}
