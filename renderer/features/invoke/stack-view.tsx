import { useProject, useSession, useStudio } from '../../bind/studio.tsx';
import { parseStack } from './stack.ts';
import styles from './stack-view.module.css';

/** The frames of a stack of the person's function; a frame in a project file links to its line. */
export function StackView({ stack }: { readonly stack: string }) {
  const studio = useStudio();
  const project = useProject();
  const files = useSession((state) => (project === null ? undefined : state.files[project.id]?.value));
  return (
    <ol className={`${styles.stack} mono`} aria-label="Stack">
      {parseStack(stack).map((line, index) => {
        // Lines of one stack have no identity but their place in it.
        const key = `${index}`;
        // The first line repeats the message.
        if (line.kind === 'text') return index === 0 ? null : <li key={key}>{line.text.trim()}</li>;
        const place = `${line.file}:${line.line}:${line.column}`;
        const known = project !== null && files?.some((file) => file.path === line.file) === true;
        return (
          <li key={key}>
            <span className="muted">at {line.name} </span>
            {known ? (
              <button
                type="button"
                className={styles.link}
                data-tip="Show this line"
                onClick={() => studio.docs.reveal(project.id, line.file, line.line, line.column)}
              >
                {place}
              </button>
            ) : (
              <span className="faint">{place}</span>
            )}
          </li>
        );
      })}
    </ol>
  );
}
