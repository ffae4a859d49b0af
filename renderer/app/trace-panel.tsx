import { useProject, useSaved, useSession, useShown, useStudio } from '../bind/studio.tsx';
import { Button } from '../ui/button.tsx';
import { formatClock } from '../ui/format.ts';
import { EmptyState } from '../ui/states.tsx';
import { GuestConsole } from './guest-console.tsx';

/** The output of the kernel's diagnostics, of the running instance, else of the shown run. */
export function TracePanel({ theme }: { readonly theme: 'light' | 'dark' }) {
  const projectId = useSaved((state) => state.projectId);
  const studio = useStudio();
  const traces = useProject()?.printsDiagnostics === true;
  const { run } = useShown();
  const living = useSession((state) =>
    state.instances.value?.find(
      (entry) => entry.projectId === projectId && ['booting', 'ready', 'busy', 'paused'].includes(entry.state),
    ),
  );
  if (!traces) {
    return (
      <EmptyState
        icon="terminal"
        title="The diagnostics are off"
        action={
          <Button icon="sliders" shortcut="Ctrl+," onClick={() => studio.transient.setState({ center: 'options' })}>
            Options
          </Button>
        }
      >
        Each has a switch of its own under Diagnostics.
      </EmptyState>
    );
  }
  if (living !== undefined) {
    return <GuestConsole of={{ instanceId: living.id }} part="trace" title={`${living.id}, trace`} theme={theme} />;
  }
  if (run !== null) {
    const title = `${run.functionName} ${formatClock(run.startedAt)}, trace`;
    return <GuestConsole of={{ runId: run.id }} part="trace" title={title} theme={theme} />;
  }
  return (
    <EmptyState icon="terminal" title="No trace yet">
      A run prints here what its diagnostics see, apart from what the program prints.
    </EmptyState>
  );
}
