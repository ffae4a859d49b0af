import { formatMs } from '#shared/format.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

/** Lists recorded runs, newest first. */
export async function listRuns(session: Session, options: { limit: number }): Promise<number> {
  const runs = await session.call('runs:list', { limit: options.limit });
  session.printJson(runs);
  if (runs.length === 0) {
    session.print('No runs yet. Make one with: firstlight run <dir>\n');
    return 0;
  }
  const rows = runs.map((run) => [
    run.id,
    new Date(run.startedAt).toLocaleString('sv-SE'),
    run.functionName,
    run.startMode,
    run.accel ?? '',
    run.totalMs === null ? '' : formatMs(run.totalMs),
    run.outcome,
    run.errorCode ?? (run.status === null ? '' : String(run.status)),
  ]);
  const headings = ['RUN', 'STARTED', 'FUNCTION', 'START', 'ACCEL', '>COLD START', 'OUTCOME', 'ANSWER'];
  session.print(renderTable(headings, rows, session.style));
  return 0;
}
