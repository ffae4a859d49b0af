import type { ImportProposal } from '#shared/model/import.ts';
import { Icon } from '../../ui/icon.tsx';
import styles from './imports.module.css';

/** The problems and warnings of an import; empty when there are none. */
export function Findings({ proposal }: { readonly proposal: ImportProposal }) {
  const { problems, missing, warnings, canCreate } = proposal;
  const errors = problems.filter((problem) => problem.severity === 'error');
  const hints = problems.filter((problem) => problem.severity !== 'error');
  // Missing files are listed below with the files that need them.
  const others = warnings.filter((warning) => warning.code !== 'missing' || missing.length === 0);
  if (errors.length + hints.length + missing.length + others.length === 0) {
    return (
      <p className={styles.fine}>
        <Icon name="check" size={14} /> Nothing is missing, and nothing speaks against it.
      </p>
    );
  }
  return (
    <ul className={styles.findings} aria-label="What was found" role={canCreate ? undefined : 'alert'}>
      {errors.map((problem) => (
        <Finding key={`${problem.line}:${problem.column} ${problem.message}`} kind="error" text={problem.message}>
          {problem.file !== undefined && (
            <span className="mono muted">
              {problem.file}
              {problem.line !== undefined && `:${problem.line}:${problem.column ?? 1}`}
            </span>
          )}
        </Finding>
      ))}
      {missing.map(({ name, neededBy }) => (
        <Finding key={`${name} ${neededBy}`} kind="error" text={`${name} was not found`}>
          <span className="muted">
            needed by <span className="mono">{neededBy}</span>
          </span>
        </Finding>
      ))}
      {others.map((warning) => (
        <Finding
          key={`${warning.code} ${warning.message}`}
          kind={isFatal(warning.code, proposal) ? 'error' : 'warning'}
          text={warning.message}
        >
          {warning.hint !== null && <span className="muted">{warning.hint}</span>}
        </Finding>
      ))}
      {hints.map((problem) => (
        <Finding key={`${problem.line} ${problem.message}`} kind="warning" text={problem.message} />
      ))}
    </ul>
  );
}

/** The warnings that explain why no project can be made from a source. */
const isFatal = (code: string, { canCreate }: ImportProposal) =>
  !canCreate && (code === 'shell' || code === 'architecture');

interface FindingProps {
  readonly kind: 'error' | 'warning';
  readonly text: string;
  readonly children?: React.ReactNode;
}

function Finding({ kind, text, children }: FindingProps) {
  return (
    <li className={styles.finding}>
      <span className={kind === 'error' ? 'danger' : 'warning'}>
        <Icon name={kind} size={14} />
        <span className="sr-only">{kind}: </span>
      </span>
      <span className="selectable">
        {text} {children}
      </span>
    </li>
  );
}
