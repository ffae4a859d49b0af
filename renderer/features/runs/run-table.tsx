import './runs.css';
import type { RunSummary } from '#shared/model/run.ts';
import { useNow, useProject, useSession, useShown, useStudio } from '../../bind/studio.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { formatAgo, formatClock, formatMs } from '../../ui/format.ts';
import { moveInList } from '../../ui/list.ts';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';

/** Every run of the function that the store keeps. */
export function RunTable() {
  const studio = useStudio();
  const project = useProject();
  const shown = useShown();
  const runs = useSession((state) => (project === null ? undefined : state.runs[project.id]));
  const now = useNow(10_000);
  if (project === null) return null;
  if (runs?.value == null) {
    return runs?.error ? (
      <ErrorState
        error={runs.error}
        actions={<Button onClick={() => void studio.runs.load(project.id)}>Try again</Button>}
      />
    ) : (
      <LoadingState message="Reading the runs" />
    );
  }
  if (runs.value.length === 0) {
    return (
      <EmptyState
        icon="runs"
        title="No run yet"
        action={
          <Button kind="primary" onClick={() => void studio.runs.run()}>
            Run {project.name}
          </Button>
        }
      >
        Each run is kept with its timeline, console and samples.
      </EmptyState>
    );
  }
  const bests = bestTotals(runs.value);
  return (
    <table className="run-table" onKeyDown={moveInList}>
      <thead>
        <tr>
          <th scope="col">Total</th>
          <th scope="col">Result</th>
          <th scope="col">Runtime</th>
          <th scope="col">Start</th>
          <th scope="col">Acceleration</th>
          <th scope="col">When</th>
          <th scope="col">
            <span className="sr-only">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {runs.value.map((run) => (
          <tr key={run.id} className={run.id === shown.run?.id ? 'run-shown' : undefined}>
            <td className="mono">
              <button
                type="button"
                data-row
                className="run-open"
                aria-current={run.id === shown.run?.id}
                onClick={() => void studio.runs.show(project.id, run.id)}
              >
                {run.totalMs === null ? '–' : formatMs(run.totalMs)}
                {run.totalMs !== null && run.totalMs === bests[run.runtime] && (
                  <span className="ok run-best">best</span>
                )}
              </button>
            </td>
            <td>
              <RunResult run={run} />
            </td>
            <td>{run.runtime}</td>
            <td>{run.startMode}</td>
            <td className="muted">{run.accel === null ? '–' : run.accel === 'kvm' ? 'KVM' : 'emulated'}</td>
            <td className="muted" data-tip={formatClock(run.startedAt)}>
              {formatAgo(Date.parse(run.startedAt), now)}
            </td>
            <td className="run-actions">
              <IconButton
                icon="ghost"
                label={run.id === shown.previous?.id ? 'Do not draw beneath' : 'Draw beneath the shown run, to compare'}
                pressed={run.id === shown.previous?.id}
                disabled={run.totalMs === null || run.id === shown.run?.id}
                onClick={() => void studio.runs.compare(project.id, run.id === shown.previous?.id ? null : run.id)}
              />
              <IconButton
                icon="terminal"
                label="Its console"
                onClick={() => studio.instances.openReplay(run.id, `${run.functionName} ${formatClock(run.startedAt)}`)}
              />
              <IconButton
                icon="trash"
                label="Forget this run"
                onClick={() => void studio.runs.remove(project.id, run.id)}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The shortest total of each runtime: one is no rival of the other. Units: ms. */
function bestTotals(runs: readonly RunSummary[]): Readonly<Record<string, number>> {
  const bests: Record<string, number> = {};
  for (const { runtime, totalMs } of runs) {
    if (totalMs !== null) bests[runtime] = Math.min(bests[runtime] ?? totalMs, totalMs);
  }
  return bests;
}

function RunResult({ run }: { readonly run: RunSummary }) {
  if (run.status !== null) return <span className={run.status < 400 ? 'ok' : 'danger'}>{run.status}</span>;
  if (run.outcome === 'failed') return <span className="danger mono run-code">{run.errorCode ?? 'failed'}</span>;
  return <span className="muted">{run.outcome}</span>;
}
