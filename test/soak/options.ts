/** The options of a part of the soak. */
export interface SoakOptions {
  /** The number of kills, starts, instances or inputs. */
  readonly count: number;
  /** The seed of moments and inputs. It is printed, and repeats them. */
  readonly seed: number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** The report of a part. */
export interface SoakReport {
  readonly counts: Readonly<Record<string, number>>;
  /** One line for each event that must never happen. */
  readonly harm: readonly string[];
}

export type SoakPart = (options: SoakOptions) => Promise<SoakReport>;
