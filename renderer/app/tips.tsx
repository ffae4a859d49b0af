import { useProject, useSaved, useStudio, useTask } from '../bind/studio.tsx';
import { docKey } from '../state/session.ts';
import { IconButton } from '../ui/button.tsx';
import styles from './tips.module.css';

/** Three things to try, until a person dismisses them. */
export function Tips() {
  const studio = useStudio();
  const project = useProject();
  const task = useTask();
  const dismissed = useSaved((state) => state.tipsDismissed);
  const startMode = useSaved((state) => state.startMode);
  if (dismissed || project === null) return null;
  const other = startMode === 'cold' ? 'prestarted' : 'cold';
  const entry = project.config?.entry ?? 'handler.ts';
  const showReturn = () => {
    const doc = studio.session.getState().docs[docKey(project.id, entry)];
    const text = doc?.text ?? '';
    const line = text.split('\n').findIndex((row) => /\breturn\b/.test(row)) + 1;
    studio.docs.reveal(project.id, entry, Math.max(line, 1), 1);
  };
  return (
    <section className={styles.tips} aria-label="Three things to try">
      <h2>Try</h2>
      <ol>
        <li>
          <button
            type="button"
            className={styles.tip}
            data-tip="Shows the line to change. Ctrl+S then saves and builds, Ctrl+Enter runs it."
            onClick={showReturn}
          >
            Change the answer
          </button>
        </li>
        <li>
          <button
            type="button"
            className={styles.tip}
            disabled={task !== null}
            data-tip={`Runs it ${other} this once, and draws both runs one above the other`}
            onClick={() => {
              void studio.invoke.run(other);
            }}
          >
            Run it {other}, compare
          </button>
        </li>
        <li>
          <button
            type="button"
            className={styles.tip}
            disabled={task !== null}
            data-tip="Sends the event to the instance that still runs: no boot at all"
            onClick={() => callReady(studio, project.id)}
          >
            Call it warm
          </button>
        </li>
      </ol>
      <IconButton
        icon="close"
        size={12}
        label="Do not show these again"
        onClick={() => studio.saved.setState({ tipsDismissed: true })}
      />
    </section>
  );
}

function callReady(studio: ReturnType<typeof useStudio>, projectId: string): void {
  const ready = studio.session
    .getState()
    .instances.value?.find((entry) => entry.projectId === projectId && entry.state === 'ready');
  if (ready === undefined) void studio.invoke.run();
  else void studio.invoke.call(ready.id);
}
