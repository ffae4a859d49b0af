import { useEffect, useRef } from 'react';
import { useStudio, useTransient } from '../../bind/studio.tsx';
import { noImport } from '../../state/transient.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import type { Pickers } from '../../ui/path-field.tsx';
import { ProgressBar } from '../../ui/states.tsx';
import styles from './imports.module.css';
import { ProposalView } from './proposal-view.tsx';
import { SourceForm } from './source-form.tsx';

export interface ImportWizardProps {
  readonly pickers: Pickers;
}

/** Makes a project from a program, an ops configuration or an OCI image: first the source, then a preview. */
export function ImportWizard({ pickers }: ImportWizardProps) {
  const studio = useStudio();
  const importing = useTransient((state) => state.importing) ?? noImport;
  const { stage, proposal, message, fraction, cancelling } = importing;
  const steps = useRef<HTMLDivElement>(null);
  // Each step focuses its first input: the previous step removed its control, and with it the focus.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the step is what it waits for
  useEffect(() => steps.current?.querySelector<HTMLElement>('[data-autofocus="true"]')?.focus(), [stage]);
  return (
    <Dialog title="Import" className={styles.wizard} onClose={studio.imports.close}>
      <div ref={steps}>
        {stage === 'examining' ? (
          <div className={styles.work} role="status">
            <p className={`${styles.source} mono ellipsis`}>{importing.source}</p>
            <p>{cancelling ? 'Cancelling' : message}</p>
            <ProgressBar fraction={fraction} label={message} />
            <Button autoFocus disabled={cancelling} onClick={studio.imports.cancel}>
              Cancel
            </Button>
          </div>
        ) : proposal !== null ? (
          <ProposalView key={proposal.digest} proposal={proposal} importing={importing} pickers={pickers} />
        ) : (
          <SourceForm importing={importing} pickers={pickers} />
        )}
      </div>
    </Dialog>
  );
}
