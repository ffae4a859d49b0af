import { useSession, useStudio, useTransient } from '../bind/studio.tsx';
import { DoctorView } from '../features/doctor/doctor-view.tsx';
import { Button } from '../ui/button.tsx';
import { EmptyState, ErrorState } from '../ui/states.tsx';
import styles from './welcome.module.css';

/** The window while no function is open. */
export function Welcome() {
  const studio = useStudio();
  const { error } = useSession((state) => state.projects);
  const broken = useSession((state) => state.doctor.value?.ok === false);
  const center = useTransient((state) => state.center);
  if (center === 'environment') return <DoctorView />;
  if (error !== null) {
    return (
      <ErrorState error={error} actions={<Button onClick={() => void studio.projects.load()}>Try again</Button>} />
    );
  }
  return (
    <EmptyState
      icon="function"
      title="No function is open"
      action={
        <>
          <Button
            kind="primary"
            icon="plus"
            shortcut="Ctrl+Alt+N"
            onClick={() => studio.transient.setState({ dialog: { kind: 'new-function' } })}
          >
            New function
          </Button>
          <Button
            icon="folder"
            shortcut="Ctrl+O"
            onClick={() => studio.transient.setState({ dialog: { kind: 'open-folder' } })}
          >
            Open folder
          </Button>
          <Button icon="download" shortcut="Ctrl+Alt+I" onClick={studio.imports.begin}>
            Import
          </Button>
          {broken && (
            <Button icon="environment" onClick={() => studio.transient.setState({ center: 'environment' })}>
              See what a run lacks
            </Button>
          )}
        </>
      }
    >
      A function is a folder with a firstlight.json and a handler. It becomes a unikernel image, boots in a virtual
      machine, and you see where every millisecond went.
      <Samples />
    </EmptyState>
  );
}

/** The templates: a click makes a function of one in the projects folder, or opens the existing one. */
function Samples() {
  const studio = useStudio();
  const templates = useSession((state) => state.templates.value) ?? [];
  return (
    <span className={styles.samples}>
      {templates.map(({ id, title, description }) => (
        <button
          key={id}
          type="button"
          className={styles.sample}
          data-part="sample"
          onClick={() => void studio.projects.openSample(id)}
        >
          <strong>{title}</strong>
          <span className="muted">{description}</span>
        </button>
      ))}
    </span>
  );
}
