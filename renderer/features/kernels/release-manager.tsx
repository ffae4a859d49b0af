import { useProject, useSession, useStudio, useTransient } from '../../bind/studio.tsx';
import { kernelRuntimeFor } from '../../state/kernels.ts';
import { Button } from '../../ui/button.tsx';
import { Page } from '../../ui/page.tsx';
import type { Pickers } from '../../ui/path-field.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import { InstallForm } from './install-form.tsx';
import styles from './release-manager.module.css';
import { ReleaseTable } from './release-table.tsx';

export interface ReleaseManagerProps {
  readonly pickers: Pickers;
}

/** The releases of a runtime's kernel on this machine, and the form to install more. */
export function ReleaseManager({ pickers }: ReleaseManagerProps) {
  const studio = useStudio();
  const project = useProject();
  const runtimes = useSession((state) => state.runtimes);
  const releasesOf = useTransient((state) => state.releasesOf);
  const kernels = useSession((state) => state.kernels);
  const close = () => studio.transient.setState({ center: 'editor' });
  const runtime = kernelRuntimeFor({ runtimes }, releasesOf);
  if (runtime === undefined) {
    return (
      <Page title="Releases" closeLabel="Close the releases" onClose={close}>
        <EmptyState icon="download" title="Each runtime brings its own kernel" />
      </Page>
    );
  }
  const known = kernels[runtime.id];
  const releases = known?.value?.releases ?? [];
  const waits = project?.config?.runtime === runtime.id && known?.value != null && releases.length === 0;
  return (
    <Page
      title={`${runtime.title} releases`}
      note={
        waits
          ? `${project.name} is for ${runtime.title}: it can be built as soon as a release is installed.`
          : runtime.kernels.description
      }
      closeLabel="Close the releases"
      onClose={close}
    >
      <div className={styles.releases}>
        {known?.value == null && known?.error != null ? (
          <ErrorState
            error={known.error}
            actions={<Button onClick={() => void studio.kernels.load()}>Try again</Button>}
          />
        ) : known?.value == null ? (
          <LoadingState message="Reading the releases" />
        ) : (
          <>
            {releases.length === 0 ? (
              <div className={styles.none}>
                <EmptyState icon="download" title="No release is installed">
                  Install the latest below, or take a build of your own.
                </EmptyState>
              </div>
            ) : (
              <ReleaseTable runtime={runtime} releases={releases} />
            )}
            <InstallForm key={runtime.id} runtime={runtime} notice={known.value.notice} pickers={pickers} />
          </>
        )}
      </div>
    </Page>
  );
}
