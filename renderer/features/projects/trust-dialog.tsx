import { useState } from 'react';
import { type FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { useSession, useStudio } from '../../bind/studio.tsx';
import { type KnownAsk, knownAsks } from '../../state/asks.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { ErrorState } from '../../ui/states.tsx';
import styles from './trust.module.css';

const kindWords: Readonly<Record<KnownAsk['kind'], string>> = {
  file: 'File',
  code: 'Code',
  program: 'Program',
  network: 'Network',
  volume: 'Volume',
};

interface TrustDialogProps {
  readonly projectId: ProjectId;
  readonly onClose: () => void;
}

/** The requests of a project for access outside its folder, and the choice to grant them. */
export function TrustDialog({ projectId, onClose }: TrustDialogProps) {
  const studio = useStudio();
  const project = useSession((state) => state.projects.value?.find(({ id }) => id === projectId) ?? null);
  const builds = useSession((state) => state.builds);
  const [error, setError] = useState<FirstlightError | null>(null);
  const [busy, setBusy] = useState(false);
  if (project === null) return null;
  const { trusted, name, dir } = project;
  const asks = knownAsks({ builds }, project);
  const decide = async (next: boolean) => {
    if (next === trusted) return onClose();
    setBusy(true);
    try {
      await studio.projects.trust(projectId, next);
      onClose();
    } catch (thrown) {
      setError(toFirstlightError(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={trusted ? `${name} is trusted` : `Trust ${name}?`}
      onClose={onClose}
      actions={
        <>
          <Button autoFocus disabled={busy} onClick={() => void decide(false)}>
            {trusted ? 'Restrict again' : 'Stay restricted'}
          </Button>
          <Button kind={trusted ? 'normal' : 'primary'} disabled={busy} onClick={() => void decide(true)}>
            {trusted ? 'Keep' : 'Trust this folder'}
          </Button>
        </>
      }
    >
      <p className={`${styles.dir} mono selectable`}>{dir}</p>
      <p className={styles.text}>
        {trusted
          ? 'It gets what it asks for outside its folder.'
          : 'Restricted, it gets its own folder and its forwarded ports. Trust it only if you know where it comes from: you decide once for this folder.'}
      </p>
      {asks.length === 0 ? (
        <p className={styles.text}>Its configuration asks for nothing outside its folder.</p>
      ) : (
        <>
          <h3 className={styles.title}>It asks for</h3>
          <ul className={styles.asks} aria-label="What it asks for">
            {asks.map(({ kind, message, file, line }) => (
              <li key={`${file}:${line}:${message}`}>
                <span className={styles.kind}>{kindWords[kind]}</span>
                <span className="selectable">
                  {message}
                  {kind === 'code' && file !== undefined && (
                    <span className={`${styles.place} mono`}>{line === undefined ? file : `${file}:${line}`}</span>
                  )}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      {error !== null && <ErrorState compact error={error} />}
    </Dialog>
  );
}
