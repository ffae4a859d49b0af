import type { SearchMatch } from '#shared/contract/projects.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { useProject, useStudio, useTransient } from '../../bind/studio.tsx';
import fieldStyles from '../../ui/field.module.css';
import { RowList } from '../../ui/row-list.tsx';
import rows from '../../ui/rows.module.css';
import { Section } from '../../ui/section.tsx';
import { EmptyState, ErrorState } from '../../ui/states.tsx';
import styles from './search-panel.module.css';

/** Searches the text of all files of the function, as it is on disk. */
export function SearchPanel() {
  const studio = useStudio();
  const project = useProject();
  const { text, matchCase, found } = useTransient((state) => state.search);
  if (project === null) return <EmptyState icon="search" title="No function is open" />;
  const matches = found.value?.matches ?? [];
  return (
    <Section title="Search" grow>
      <div className={styles.form}>
        <input
          type="search"
          data-main
          className={fieldStyles.input}
          aria-label="Search in all files"
          placeholder="Text to find"
          spellCheck={false}
          value={text}
          onChange={({ target }) => studio.search.find({ text: target.value })}
        />
        <button
          type="button"
          className={styles.case}
          aria-pressed={matchCase}
          aria-label="Match case"
          data-tip="Match case"
          onClick={() => studio.search.find({ matchCase: !matchCase })}
        >
          Aa
        </button>
      </div>
      <p className={`${styles.count} muted`} role="status">
        {text === '' ? 'Searches the saved files.' : countWords(found.value, found.status)}
      </p>
      {found.error !== null && <ErrorState compact error={found.error} />}
      {matches.length > 0 && (
        <RowList label="Matches">
          {matches.map((match, index) => (
            <li key={`${match.path}:${match.line}:${match.column}`}>
              {matches[index - 1]?.path !== match.path && <div className={`ellipsis ${styles.path}`}>{match.path}</div>}
              <MatchRow projectId={project.id} match={match} />
            </li>
          ))}
        </RowList>
      )}
    </Section>
  );
}

function countWords(
  found: { readonly matches: readonly SearchMatch[]; readonly isCut: boolean } | null,
  status: string,
) {
  if (found === null) return status === 'loading' ? 'Searching' : '';
  const files = new Set(found.matches.map(({ path }) => path)).size;
  const count = `${found.matches.length.toLocaleString('en')} ${found.matches.length === 1 ? 'match' : 'matches'}`;
  if (found.matches.length === 0) return 'Nothing has this text.';
  return found.isCut ? `The first ${count}; there are more.` : `${count} in ${files} ${files === 1 ? 'file' : 'files'}`;
}

function MatchRow({ projectId, match }: { readonly projectId: ProjectId; readonly match: SearchMatch }) {
  const studio = useStudio();
  const at = match.column - match.textColumn;
  return (
    <div className={rows.row}>
      <button
        type="button"
        data-row
        className={`${rows.main} ${styles.match}`}
        aria-label={`${match.path}, line ${match.line}: ${match.text.trim()}`}
        onClick={() => studio.docs.reveal(projectId, match.path, match.line, match.column)}
      >
        <span className={`mono faint ${styles.line}`}>{match.line}</span>
        <span className={`mono ellipsis ${styles.text}`}>
          {match.text.slice(0, at).trimStart()}
          <mark className={styles.mark}>{match.text.slice(at, at + match.length)}</mark>
          {match.text.slice(at + match.length)}
        </span>
      </button>
    </div>
  );
}
