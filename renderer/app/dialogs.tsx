import './dialogs.css';
import { type FormEvent, type ReactNode, useState } from 'react';
import { type FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { useProject, useSession, useStudio, useTransient } from '../bind/studio.tsx';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorState } from '../ui/states.tsx';
import type { Command } from './commands.ts';
import { Palette } from './palette.tsx';

export interface DialogsProps {
  readonly commands: () => readonly Command[];
  readonly pickDirectory: (() => Promise<string | null>) | undefined;
}

/** The dialog that is in front, if any. */
export function Dialogs({ commands, pickDirectory }: DialogsProps) {
  const studio = useStudio();
  const dialog = useTransient((state) => state.dialog);
  const close = () => studio.transient.setState({ dialog: null });
  switch (dialog?.kind) {
    case undefined:
      return null;
    case 'palette':
      return <PaletteNow commands={commands} onClose={close} />;
    case 'new-function':
      return <NewFunction pickDirectory={pickDirectory} onClose={close} />;
    case 'open-folder':
      return <OpenFolder pickDirectory={pickDirectory} onClose={close} />;
    case 'new-file':
    case 'rename-file':
      return <FilePath from={dialog.kind === 'rename-file' ? dialog.path : null} onClose={close} />;
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
          <p className="dialog-text">{dialog.message}</p>
        </Dialog>
      );
  }
}

/** The palette lists what could be done when it opened. */
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

interface FormProps {
  readonly title: string;
  readonly action: string;
  readonly valid: boolean;
  readonly children: ReactNode;
  readonly onClose: () => void;
  readonly onSubmit: () => Promise<void>;
}

/** A dialog that asks the engine for something: it stays, with the reason, when the engine refuses. */
function FormDialog({ title, action, valid, children, onClose, onSubmit }: FormProps) {
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
        <div className="form-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" disabled={!valid || busy}>
            {busy ? 'Working' : action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

const namePattern = /^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$/;

interface PickProps {
  readonly pickDirectory: (() => Promise<string | null>) | undefined;
  readonly onClose: () => void;
}

function NewFunction({ pickDirectory, onClose }: PickProps) {
  const studio = useStudio();
  const templates = useSession((state) => state.templates);
  const projectsDir = useSession((state) => state.info?.projectsDir ?? '');
  const [name, setName] = useState('');
  const [template, setTemplate] = useState('hello');
  const [dir, setDir] = useState('');
  const wrongName = name !== '' && !namePattern.test(name);
  return (
    <FormDialog
      title="New function"
      action="Create"
      valid={namePattern.test(name)}
      onClose={onClose}
      onSubmit={() => studio.projects.create({ name, template, dir: dir.trim() === '' ? undefined : dir.trim() })}
    >
      <label className="field">
        <span>Name</span>
        <input
          className="input"
          data-autofocus="true"
          value={name}
          aria-invalid={wrongName}
          aria-describedby="name-note"
          placeholder="resize-image"
          onChange={(event) => setName(event.target.value)}
        />
        <span id="name-note" className={wrongName ? 'field-note danger' : 'field-note'}>
          Lower-case letters, digits and dashes, at most 48 characters.
        </span>
      </label>
      <fieldset className="templates">
        <legend>Start from</legend>
        {templates.error !== null && <ErrorState compact error={templates.error} />}
        {(templates.value ?? []).map((entry) => (
          <label key={entry.id} className={entry.id === template ? 'template template-chosen' : 'template'}>
            <input
              type="radio"
              name="template"
              value={entry.id}
              checked={entry.id === template}
              onChange={() => setTemplate(entry.id)}
            />
            <strong>{entry.title}</strong>
            <span className="muted">{entry.description}</span>
          </label>
        ))}
      </fieldset>
      <DirectoryField
        label="Folder"
        note="Left empty: a folder of its name in the place below."
        placeholder={`${projectsDir}/${name || 'name'}`}
        value={dir}
        onChange={setDir}
        pickDirectory={pickDirectory}
      />
    </FormDialog>
  );
}

function OpenFolder({ pickDirectory, onClose }: PickProps) {
  const studio = useStudio();
  const projectsDir = useSession((state) => state.info?.projectsDir ?? '');
  const [dir, setDir] = useState('');
  const absolute = dir.trim().startsWith('/') || dir.trim().startsWith('~');
  return (
    <FormDialog
      title="Open folder"
      action="Open"
      valid={absolute}
      onClose={onClose}
      onSubmit={() => studio.projects.open(dir.trim())}
    >
      <DirectoryField
        label="Folder on the machine that runs the engine"
        note={
          dir !== '' && !absolute
            ? 'Give the whole path, beginning with /.'
            : 'One that holds a firstlight.json, or that shall get one.'
        }
        wrong={dir !== '' && !absolute}
        placeholder={`${projectsDir}/hello`}
        value={dir}
        onChange={setDir}
        pickDirectory={pickDirectory}
      />
    </FormDialog>
  );
}

interface DirectoryFieldProps {
  readonly label: string;
  readonly note: string;
  readonly wrong?: boolean;
  readonly placeholder: string;
  readonly value: string;
  readonly onChange: (dir: string) => void;
  readonly pickDirectory: (() => Promise<string | null>) | undefined;
}

function DirectoryField({
  label,
  note,
  wrong = false,
  placeholder,
  value,
  onChange,
  pickDirectory,
}: DirectoryFieldProps) {
  const browse = async () => {
    const dir = await pickDirectory?.();
    if (typeof dir === 'string') onChange(dir);
  };
  return (
    <label className="field">
      <span>{label}</span>
      <span className="directory">
        <input
          className="input mono"
          value={value}
          aria-invalid={wrong}
          placeholder={placeholder}
          spellCheck={false}
          onChange={(event) => onChange(event.target.value)}
        />
        {pickDirectory !== undefined && <Button onClick={() => void browse()}>Browse</Button>}
      </span>
      <span className={wrong ? 'field-note danger' : 'field-note'}>{note}</span>
    </label>
  );
}

function FilePath({ from, onClose }: { readonly from: string | null; readonly onClose: () => void }) {
  const studio = useStudio();
  const project = useProject();
  const [path, setPath] = useState(from ?? '');
  const trimmed = path.trim();
  const inside = !trimmed.startsWith('/') && !trimmed.split('/').some((part) => part === '..' || part === '');
  const submit = async () => {
    if (project === null) return;
    if (from === null) await studio.docs.createFile(project.id, trimmed);
    else await studio.docs.renameFile(project.id, from, trimmed);
    await studio.projects.loadFiles(project.id);
  };
  return (
    <FormDialog
      title={from === null ? 'New file' : `Rename ${from}`}
      action={from === null ? 'Create' : 'Rename'}
      valid={trimmed !== '' && trimmed !== from && inside}
      onClose={onClose}
      onSubmit={submit}
    >
      <label className="field">
        <span>Path in the function’s folder</span>
        <input
          className="input mono"
          data-autofocus="true"
          value={path}
          aria-invalid={trimmed !== '' && !inside}
          placeholder="lib/greet.ts"
          spellCheck={false}
          onChange={(event) => setPath(event.target.value)}
        />
        <span className={trimmed !== '' && !inside ? 'field-note danger' : 'field-note'}>
          {trimmed !== '' && !inside
            ? 'It must stay inside the folder, without an empty part.'
            : 'Folders on the way are made.'}
        </span>
      </label>
    </FormDialog>
  );
}

function Shortcuts({ commands, onClose }: { readonly commands: readonly Command[]; readonly onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <table className="shortcuts">
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
