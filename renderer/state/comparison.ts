import type { Run, RunSummary } from '#shared/model/run.ts';
import type { Comparison } from '#shared/model/series.ts';
import { summarizeRun } from '#shared/model/summarize-run.ts';
import { compareRuns } from '#shared/timeline/index.ts';

/** How the shown run compares with the baseline of the run drawn beneath it; null when either cannot be compared. */
export function compareShown(run: Run | null, previous: Run | null, all: readonly RunSummary[]): Comparison | null {
  if (run === null || previous === null) return null;
  return compareRuns(summarizeRun(run), summarizeRun(previous), all);
}
