import { useNow, useProject, useSession, useShown, useStudio } from '../../bind/studio.tsx';
import { showPanels } from '../../state/context.ts';
import { Button } from '../../ui/button.tsx';
import { formatAgo, formatMs } from '../../ui/format.ts';
import { joinClasses } from '../../ui/join-classes.ts';
import { RowList } from '../../ui/row-list.tsx';
import rows from '../../ui/rows.module.css';
import { Section } from '../../ui/section.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import styles from './run-list.module.css';

/** The runs of the function, for the side list. */
export function RunList() {
  const studio = useStudio();
  const project = useProject();
  const shown = useShown();
  const runs = useSession((state) => (project === null ? undefined : state.runs[project.id]));
  const now = useNow(10_000);
  if (project === null) return null;
  return (
    <Section title="Runs" grow>
      {runs?.value == null ? (
        runs?.error ? (
          <ErrorState
            compact
            error={runs.error}
            actions={<Button onClick={() => void studio.runs.load(project.id)}>Try again</Button>}
          />
        ) : (
          <LoadingState message="Reading the runs" />
        )
      ) : runs.value.length === 0 ? (
        <EmptyState title="No run yet">Each run of {project.name} is kept here.</EmptyState>
      ) : (
        <RowList label="Runs">
          {runs.value.map((run) => (
            <li key={run.id} className={run.id === shown.run?.id ? `${rows.row} ${rows.active}` : rows.row}>
              <button
                type="button"
                data-row
                className={`${rows.main} ${styles.row}`}
                aria-current={run.id === shown.run?.id}
                onClick={() => {
                  showPanels(studio);
                  void studio.runs.show(project.id, run.id);
                }}
              >
                <span className={joinClasses('mono', styles.ms, run.outcome === 'failed' && 'danger')}>
                  {run.totalMs === null ? run.outcome : formatMs(run.totalMs)}
                </span>
                <span className={`muted ellipsis ${rows.name}`}>{run.startMode}</span>
                <span className={`muted ${styles.when}`}>{formatAgo(Date.parse(run.startedAt), now)}</span>
              </button>
            </li>
          ))}
        </RowList>
      )}
    </Section>
  );
}
