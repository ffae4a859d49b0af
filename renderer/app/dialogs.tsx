import { useState } from 'react';
import type { Command } from '../bind/command.ts';
import { useStudio, useTransient } from '../bind/studio.tsx';
import { TargetDialog } from '../features/deploy/target-dialog.tsx';
import { ImportWizard } from '../features/imports/import-wizard.tsx';
import { InstanceDetails } from '../features/instances/instance-details.tsx';
import { TrustDialog } from '../features/projects/trust-dialog.tsx';
import { Button } from '../ui/button.tsx';
import dialogStyles from '../ui/dialog.module.css';
import { Dialog } from '../ui/dialog.tsx';
import type { Pickers } from '../ui/path-field.tsx';
import styles from './dialogs.module.css';
import { FilePath, NewFunction, OpenFolder, OpenImage } from './form-dialogs.tsx';
import { Palette } from './palette.tsx';

export interface DialogsProps {
  readonly commands: () => readonly Command[];
  readonly pickers: Pickers;
}

/** The dialog that is in front, if any. */
export function Dialogs({ commands, pickers }: DialogsProps) {
  const studio = useStudio();
  const dialog = useTransient((state) => state.dialog);
  // The action of a dialog may have opened another one.
  const close = () => studio.transient.setState((state) => (state.dialog === dialog ? { dialog: null } : {}));
  switch (dialog?.kind) {
    case undefined:
      return null;
    case 'palette':
      return <PaletteNow commands={commands} onClose={close} />;
    case 'new-function':
      return <NewFunction pickers={pickers} onClose={close} />;
    case 'open-folder':
      return <OpenFolder pickers={pickers} onClose={close} />;
    case 'import':
      return <ImportWizard pickers={pickers} />;
    case 'open-image':
      return <OpenImage pickers={pickers} onClose={close} />;
    case 'add-target':
      return <TargetDialog pickers={pickers} onClose={close} />;
    case 'new-file':
    case 'rename-file':
      return <FilePath from={dialog.kind === 'rename-file' ? dialog.path : null} onClose={close} />;
    case 'instance':
      return <InstanceDetails instanceId={dialog.instanceId} onClose={close} />;
    case 'trust':
      return <TrustDialog projectId={dialog.projectId} onClose={close} />;
    case 'shortcuts':
      return <Shortcuts commands={commands()} onClose={close} />;
    case 'confirm':
      return (
        <Dialog
          title={dialog.title}
          onClose={close}
          actions={
            <>
              <Button onClick={close}>Keep</Button>
              <Button
                kind="danger"
                autoFocus
                onClick={() => {
                  close();
                  dialog.onConfirm();
                }}
              >
                {dialog.action}
              </Button>
            </>
          }
        >
          <p className={dialogStyles.text}>{dialog.message}</p>
        </Dialog>
      );
  }
}

/** The palette lists the commands that were available when it opened. */
function PaletteNow({
  commands,
  onClose,
}: {
  readonly commands: () => readonly Command[];
  readonly onClose: () => void;
}) {
  const [list] = useState(commands);
  return <Palette commands={list} onClose={onClose} />;
}

function Shortcuts({ commands, onClose }: { readonly commands: readonly Command[]; readonly onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <table className={styles.shortcuts}>
        <tbody>
          {commands
            .filter((command) => command.shortcut !== undefined)
            .map((command) => (
              <tr key={command.id}>
                <th scope="row">{command.title}</th>
                <td>
                  <kbd>{command.shortcut}</kbd>
                </td>
              </tr>
            ))}
        </tbody>
      </table>
    </Dialog>
  );
}
