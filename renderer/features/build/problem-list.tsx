import { useMemo } from 'react';
import { useProject, useSession, useStudio } from '../../bind/studio.tsx';
import { Icon } from '../../ui/icon.tsx';
import { RowList } from '../../ui/row-list.tsx';
import rows from '../../ui/rows.module.css';
import { EmptyState } from '../../ui/states.tsx';
import styles from './problem-list.module.css';
import { collectProblems, type FoundProblem } from './problems.ts';

/** The problems of the function that the window shows. */
export function useProblems(): readonly FoundProblem[] {
  const project = useProject();
  const builds = useSession((state) => state.builds);
  const editorProblems = useSession((state) => state.editorProblems);
  const { session } = useStudio();
  return useMemo(
    () => (project === null ? [] : collectProblems({ ...session.getState(), builds, editorProblems }, project.id)),
    [project, builds, editorProblems, session],
  );
}

/** The problems as rows; each opens its place. */
export function ProblemList() {
  const studio = useStudio();
  const project = useProject();
  const problems = useProblems();
  if (project === null) return null;
  if (problems.length === 0) {
    return (
      <EmptyState icon="check" title="No problems">
        Errors of the build, of firstlight.json and of TypeScript appear here, each with its place.
      </EmptyState>
    );
  }
  return (
    <RowList label="Problems" className={styles.problems}>
      {problems.map((problem) => (
        <li key={`${problem.file}:${problem.line}:${problem.column}:${problem.message}`} className={rows.row}>
          <button
            type="button"
            data-row
            className={`${rows.main} ${styles.main}`}
            disabled={problem.file === undefined}
            onClick={() => studio.docs.reveal(project.id, problem.file ?? '', problem.line ?? 1, problem.column ?? 1)}
          >
            <span className={problem.severity === 'error' ? `danger ${styles.icon}` : `warning ${styles.icon}`}>
              <Icon name={problem.severity === 'error' ? 'error' : 'warning'} size={14} />
            </span>
            <span className="sr-only">{problem.severity}: </span>
            <span className={`ellipsis ${styles.message}`}>{problem.message}</span>
            {problem.file !== undefined && (
              <span className={`mono muted ${styles.place}`}>
                {problem.file}
                {problem.line !== undefined && `:${problem.line}:${problem.column ?? 1}`}
              </span>
            )}
            <span className={`faint ${styles.source}`}>{problem.source}</span>
          </button>
        </li>
      ))}
    </RowList>
  );
}
