import type { ImportProposal } from '#shared/model/import.ts';
import { formatBytes } from '../../ui/format.ts';
import { JsonText } from '../../ui/json-view.tsx';
import styles from './imports.module.css';

/** The parts of a proposal: the libraries with their sizes, and the proposed firstlight.json. */
export function ProposalParts({ proposal }: { readonly proposal: ImportProposal }) {
  const { closure, config, canCreate } = proposal;
  return (
    <div className={styles.parts}>
      {closure !== null && (
        <section aria-label="Libraries">
          <h3>
            Libraries{' '}
            <span className="muted">
              {closure.isStatic
                ? 'none: it is static'
                : `${closure.libraries.length}, ${formatBytes(closure.bytes)} with the program`}
            </span>
          </h3>
          {!closure.isStatic && <Libraries closure={closure} />}
        </section>
      )}
      {canCreate && (
        <details className={styles.config}>
          <summary>firstlight.json as it will be written</summary>
          <pre className="mono selectable">
            <JsonText text={config} />
          </pre>
        </details>
      )}
    </div>
  );
}

function Libraries({ closure }: { readonly closure: NonNullable<ImportProposal['closure']> }) {
  const libraries = [...closure.libraries].sort((a, b) => b.bytes - a.bytes);
  const biggest = Math.max(1, ...libraries.map((library) => library.bytes));
  return (
    <div className={`${styles.libraries} scroll`}>
      <table>
        <caption className="sr-only">Libraries, biggest first</caption>
        <tbody>
          {closure.interpreter !== null && (
            <tr>
              <th scope="row" className="mono">
                {closure.interpreter.split('/').at(-1)}
              </th>
              <td className={`muted ${styles.size}`}>loads it</td>
              <td />
              <td className="mono muted">{closure.interpreter}</td>
            </tr>
          )}
          {libraries.map((library) => (
            <tr key={library.path}>
              <th scope="row" className="mono">
                {library.name}
              </th>
              <td className={`mono ${styles.size}`}>{formatBytes(library.bytes)}</td>
              <td className={styles.bar} aria-hidden="true">
                <span style={{ width: `${(library.bytes / biggest) * 100}%` }} />
              </td>
              <td className="mono muted">{library.path}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
