import './tips.css';
import { useProject, useSaved, useStudio, useTask } from '../bind/studio.tsx';
import { docKey } from '../state/session.ts';
import { Button, IconButton } from '../ui/button.tsx';

/** Three things to try, until a person has had enough of them. */
export function Tips() {
  const studio = useStudio();
  const project = useProject();
  const task = useTask();
  const dismissed = useSaved((state) => state.tipsDismissed);
  const startMode = useSaved((state) => state.startMode);
  if (dismissed || project === null) return null;
  const other = startMode === 'cold' ? 'prestarted' : 'cold';
  const entry = project.config?.entry ?? 'handler.ts';
  const tryThrow = () => {
    const doc = studio.session.getState().docs[docKey(project.id, entry)];
    const text = doc?.text ?? '';
    const line = text.split('\n').findIndex((row) => /\breturn\b/.test(row)) + 1;
    studio.docs.reveal(project.id, entry, Math.max(line, 1), 1);
  };
  return (
    <section className="tips" aria-label="Three things to try">
      <header className="tips-head">
        <h2>Three things to try</h2>
        <IconButton
          icon="close"
          size={12}
          label="Do not show these again"
          onClick={() => studio.saved.setState({ tipsDismissed: true })}
        />
      </header>
      <ol>
        <li>
          <span>Change what the handler answers, then save and run.</span>
          <Button kind="quiet" onClick={tryThrow}>
            Show me
          </Button>
        </li>
        <li>
          <span>Run it {other}, and compare the two timelines.</span>
          <Button
            kind="quiet"
            disabled={task !== null}
            onClick={() => {
              studio.saved.setState({ startMode: other });
              void studio.runs.run();
            }}
          >
            Run {other}
          </Button>
        </li>
        <li>
          <span>Call the instance that still runs: no boot at all.</span>
          <Button kind="quiet" disabled={task !== null} onClick={() => callReady(studio, project.id)}>
            Call it
          </Button>
        </li>
      </ol>
    </section>
  );
}

function callReady(studio: ReturnType<typeof useStudio>, projectId: string): void {
  const ready = studio.session
    .getState()
    .instances.value?.find((entry) => entry.projectId === projectId && entry.state === 'ready');
  if (ready === undefined) void studio.runs.run();
  else void studio.runs.invoke(ready.id);
}
