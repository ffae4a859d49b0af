import { useState } from 'react';
import type { RunSummary } from '#shared/model/run.ts';
import type { RunId } from '#shared/model/units.ts';
import { useNow, useProject, useSession, useShown, useStudio, useTransient } from '../../bind/studio.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { FilterInput, matchesWords } from '../../ui/filter-input.tsx';
import { formatAgo, formatClock, formatMs } from '../../ui/format.ts';
import { useRowList } from '../../ui/row-list.tsx';
import { type Sort, sortRows } from '../../ui/sort.ts';
import { SortHeading } from '../../ui/sort-heading.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import styles from './run-table.module.css';

/** All stored runs of the function: they can be sorted, filtered, and deleted one or many at a time. */
export function RunTable() {
  const studio = useStudio();
  const project = useProject();
  const shown = useShown();
  const runs = useSession((state) => (project === null ? undefined : state.runs[project.id]));
  const now = useNow(10_000);
  const leaving = useTransient((state) => state.leaving);
  const list = useRowList();
  const [query, setQuery] = useState('');
  const [sort, setSort] = useState<Sort<Column>>({ by: 'When', ascending: false });
  const [chosen, setChosen] = useState<ReadonlySet<RunId>>(new Set());
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
          <Button kind="primary" onClick={() => void studio.invoke.run()}>
            Run {project.name}
          </Button>
        }
      >
        Each run is kept with its timeline, console and samples.
      </EmptyState>
    );
  }
  const bests = bestTotals(runs.value);
  const rows = sortRows(
    runs.value.filter((run) => !leaving.has(run.id) && matchesWords(query, textsOf(run))),
    (run) => columns[sort.by](run),
    sort.ascending,
  );
  const selected = rows.filter((run) => chosen.has(run.id)).map((run) => run.id);
  const choose = (id: RunId, isChosen: boolean) => {
    const next = new Set(chosen);
    if (isChosen) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  return (
    <>
      <div className={styles.tools}>
        <FilterInput label="Filter the runs" value={query} onChange={setQuery} />
        <span className="muted">
          {rows.length === runs.value.length ? `${rows.length} runs` : `${rows.length} of ${runs.value.length} runs`}
        </span>
        {selected.length > 0 && (
          <Button icon="trash" onClick={() => studio.runs.remove(project.id, selected)}>
            Forget {selected.length} selected
          </Button>
        )}
      </div>
      <table className={styles.table} aria-label="Runs" {...list}>
        <thead>
          <tr>
            <th scope="col">
              <input
                type="checkbox"
                aria-label="Select all runs"
                checked={rows.length > 0 && selected.length === rows.length}
                onChange={(event) => setChosen(new Set(event.target.checked ? rows.map((run) => run.id) : []))}
              />
            </th>
            {(Object.keys(columns) as Column[]).map((name) => (
              <SortHeading key={name} name={name} sort={sort} onSort={setSort} />
            ))}
            <th scope="col">
              <span className="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((run) => (
            <tr key={run.id} className={run.id === shown.run?.id ? styles.shown : undefined}>
              <td>
                <input
                  type="checkbox"
                  aria-label={`Select the run of ${formatClock(run.startedAt)}`}
                  checked={chosen.has(run.id)}
                  onChange={(event) => choose(run.id, event.target.checked)}
                />
              </td>
              <td className="mono">
                <button
                  type="button"
                  data-row
                  className={styles.open}
                  aria-current={run.id === shown.run?.id}
                  onClick={() => void studio.runs.show(project.id, run.id)}
                >
                  {run.totalMs === null ? '–' : formatMs(run.totalMs)}
                  {run.totalMs !== null && run.totalMs === bests[run.runtime] && (
                    <span className={`ok ${styles.best}`}>best</span>
                  )}
                </button>
              </td>
              <td>{run.name === undefined ? <span className="faint">–</span> : <strong>{run.name}</strong>}</td>
              <td>
                <RunResult run={run} />
              </td>
              <td>{run.runtime}</td>
              <td>{run.startMode}</td>
              <td className="muted">{run.accel === null ? '–' : run.accel === 'kvm' ? 'KVM' : 'emulated'}</td>
              <td className="muted" data-tip={formatClock(run.startedAt)}>
                {formatAgo(Date.parse(run.startedAt), now)}
              </td>
              <td className={styles.actions}>
                <IconButton
                  icon="ghost"
                  label={
                    run.id === shown.previous?.id ? 'Do not draw beneath' : 'Draw beneath the shown run, to compare'
                  }
                  pressed={run.id === shown.previous?.id}
                  disabled={run.totalMs === null || run.id === shown.run?.id}
                  onClick={() => void studio.runs.compare(project.id, run.id === shown.previous?.id ? null : run.id)}
                />
                <IconButton icon="info" label="Details" onClick={() => studio.runs.openPage(run.id)} />
                <IconButton
                  icon="terminal"
                  label="Its console"
                  onClick={() =>
                    studio.consoles.openReplay(run.id, `${run.functionName} ${formatClock(run.startedAt)}`)
                  }
                />
                <IconButton
                  icon="trash"
                  label="Forget this run"
                  onClick={() => studio.runs.remove(project.id, [run.id])}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** The columns with their sort keys. */
const columns = {
  Total: (run: RunSummary) => run.totalMs,
  Name: (run: RunSummary) => run.name ?? null,
  Result: (run: RunSummary) => run.status ?? run.errorCode ?? run.outcome,
  Runtime: (run: RunSummary) => run.runtime,
  Start: (run: RunSummary) => run.startMode,
  Acceleration: (run: RunSummary) => run.accel,
  When: (run: RunSummary) => run.startedAt,
} as const;
type Column = keyof typeof columns;

/** The texts that a filter searches. */
const textsOf = (run: RunSummary): readonly (string | null)[] => [
  run.status === null ? null : String(run.status),
  run.name ?? null,
  run.errorCode,
  run.outcome,
  run.runtime,
  run.startMode,
  run.accel,
];

/** The shortest total of each runtime: runtimes are not compared with each other. Units: ms. */
function bestTotals(runs: readonly RunSummary[]): Readonly<Record<string, number>> {
  const bests: Record<string, number> = {};
  for (const { runtime, totalMs } of runs) {
    if (totalMs !== null) bests[runtime] = Math.min(bests[runtime] ?? totalMs, totalMs);
  }
  return bests;
}

function RunResult({ run }: { readonly run: RunSummary }) {
  if (run.status !== null) return <span className={run.status < 400 ? 'ok' : 'danger'}>{run.status}</span>;
  if (run.outcome === 'failed')
    return <span className={`danger mono ${styles.code}`}>{run.errorCode ?? 'failed'}</span>;
  return <span className="muted">{run.outcome}</span>;
}
