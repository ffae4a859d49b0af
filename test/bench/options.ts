/** The options of every benchmark. */
export interface BenchOptions {
  /** The number of measurements; absent: the benchmark's own choice. */
  readonly runs?: number | undefined;
  /** Gets a line of progress. */
  readonly log: (line: string) => void;
}
