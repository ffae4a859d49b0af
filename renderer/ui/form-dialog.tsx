import { type FormEvent, type ReactNode, useState } from 'react';
import { type FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import styles from './field.module.css';
import { ErrorState } from './states.tsx';

export interface FormDialogProps {
  readonly title: string;
  readonly action: string;
  readonly valid: boolean;
  readonly children: ReactNode;
  readonly onClose: () => void;
  readonly onSubmit: () => Promise<void>;
}

/** A dialog that sends a request to the engine: it stays open, with the reason, when the engine refuses. */
export function FormDialog({ title, action, valid, children, onClose, onSubmit }: FormDialogProps) {
  const [error, setError] = useState<FirstlightError | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!valid || busy) return;
    setBusy(true);
    setError(null);
    try {
      await onSubmit();
      onClose();
    } catch (thrown) {
      setError(toFirstlightError(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        {children}
        {error !== null && <ErrorState compact error={error} />}
        <div className={styles.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" disabled={!valid || busy}>
            {busy ? 'Working' : action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
