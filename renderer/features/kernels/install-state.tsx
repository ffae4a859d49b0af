import { useEffect, useRef } from 'react';
import { useStudio } from '../../bind/studio.tsx';
import type { KernelInstall } from '../../state/transient.ts';
import { Button } from '../../ui/button.tsx';
import { ErrorState, ProgressBar } from '../../ui/states.tsx';
import styles from './install.module.css';

export interface InstallStateProps {
  readonly install: KernelInstall;
  readonly notice: string;
  /** Opens the other source: a local build needs no network. */
  readonly onTakeLocal: () => void;
}

/** An installation: the notice to read first, its progress, or its error. */
export function InstallState({ install, notice, onTakeLocal }: InstallStateProps) {
  const studio = useStudio();
  const { source, stage, error } = install;
  if (stage === 'notice') return <Notice notice={notice} />;
  if (stage === 'working') {
    return (
      <div className={`${styles.state} ${styles.working}`} role="status">
        <span className="ellipsis">{install.cancelling ? 'Cancelling' : install.message}</span>
        <ProgressBar fraction={install.fraction} label={install.message} />
        <span className={`mono ${styles.share}`}>
          {install.fraction === null ? '' : `${Math.round(install.fraction * 100)} %`}
        </span>
        <Button kind="quiet" shortcut="Esc" disabled={install.cancelling} onClick={studio.kernels.cancel}>
          Cancel
        </Button>
      </div>
    );
  }
  if (error === null) return null;
  return (
    <div className={styles.state}>
      <ErrorState
        compact
        error={error}
        actions={
          <>
            <Button icon="refresh" onClick={() => void studio.kernels.install(install.runtime, source)}>
              Try again
            </Button>
            {source.kind === 'official' && (
              <Button icon="folder" onClick={onTakeLocal}>
                Take a build of your own
              </Button>
            )}
            <Button kind="quiet" onClick={studio.kernels.cancel}>
              Dismiss
            </Button>
          </>
        }
      />
    </div>
  );
}

/** The notice about published releases, until a person has accepted it. */
function Notice({ notice }: { readonly notice: string }) {
  const studio = useStudio();
  const block = useRef<HTMLDivElement>(null);
  useEffect(() => block.current?.querySelector('button')?.focus(), []);
  return (
    <div ref={block} className={styles.state} role="alertdialog" aria-label="Before a published release is installed">
      <p className={`${styles.notice} selectable`}>{notice}</p>
      <div className={styles.actions}>
        <Button kind="primary" onClick={() => void studio.kernels.accept()}>
          Accept and install
        </Button>
        <Button onClick={studio.kernels.cancel}>Do not install</Button>
      </div>
    </div>
  );
}
