/** What a part of the soak is asked for. */
export interface SoakOptions {
  /** How often it does its worst: kills, starts, instances, inputs. */
  readonly count: number;
  /** Chooses moments and inputs. It is printed, and repeats them. */
  readonly seed: number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** What a part did and saw. */
export interface SoakReport {
  readonly counts: Readonly<Record<string, number>>;
  /** One line for each thing that must never happen. */
  readonly harm: readonly string[];
}

export type SoakPart = (options: SoakOptions) => Promise<SoakReport>;
