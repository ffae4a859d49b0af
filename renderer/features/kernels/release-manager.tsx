import './kernels.css';
import { useProject, useSession, useStudio } from '../../bind/studio.tsx';
import { Button } from '../../ui/button.tsx';
import { Page } from '../../ui/page.tsx';
import type { Pickers } from '../../ui/path-field.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import { InstallForm } from './install-form.tsx';
import { ReleaseTable } from './release-table.tsx';

export interface ReleaseManagerProps {
  readonly pickers: Pickers;
}

/** The releases of Nanos on this machine, and how more come. */
export function ReleaseManager({ pickers }: ReleaseManagerProps) {
  const studio = useStudio();
  const project = useProject();
  const nanos = useSession((state) => state.nanos);
  const releases = nanos.value?.releases ?? [];
  const waits = project?.config?.runtime === 'nanos' && nanos.value !== null && releases.length === 0;
  return (
    <Page
      title="Nanos releases"
      note={
        waits
          ? `${project.name} is for Nanos: it can be built as soon as a release is installed.`
          : 'A release is a kernel and its libraries (klibs). Functions on Nanos are built with the one in use, unless firstlight.json names another.'
      }
      closeLabel="Close the releases"
      onClose={() => studio.transient.setState({ center: 'editor' })}
    >
      <div className="releases">
        {nanos.value === null && nanos.error !== null ? (
          <ErrorState
            error={nanos.error}
            actions={<Button onClick={() => void studio.nanos.load()}>Try again</Button>}
          />
        ) : nanos.value === null ? (
          <LoadingState message="Reading the releases" />
        ) : (
          <>
            {releases.length === 0 ? (
              <div className="releases-none">
                <EmptyState icon="download" title="No release is installed">
                  Install the latest below, or take a build of your own.
                </EmptyState>
              </div>
            ) : (
              <ReleaseTable releases={releases} />
            )}
            <InstallForm notice={nanos.value.notice} pickers={pickers} />
          </>
        )}
      </div>
    </Page>
  );
}
