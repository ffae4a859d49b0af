import type { Run, RunSummary } from '#shared/model/run.ts';
import type { Comparison } from '#shared/model/series.ts';
import { summarizeRun } from '#shared/model/summarize-run.ts';
import { compareRuns } from '#shared/timeline/index.ts';

/** The comparison of the shown run with the baseline of the run drawn beneath it; null when one cannot be compared. */
export function compareShown(run: Run | null, previous: Run | null, all: readonly RunSummary[]): Comparison | null {
  if (run === null || previous === null) return null;
  return compareRuns(summarizeRun(run), summarizeRun(previous), all);
}
