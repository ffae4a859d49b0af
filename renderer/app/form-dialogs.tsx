import { useState } from 'react';
import { useProject, useSession, useStudio } from '../bind/studio.tsx';
import field from '../ui/field.module.css';
import { FormDialog } from '../ui/form-dialog.tsx';
import { PathField, type Pickers } from '../ui/path-field.tsx';
import { ErrorState } from '../ui/states.tsx';
import styles from './dialogs.module.css';

const namePattern = /^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$/;

interface PickProps {
  readonly pickers: Pickers;
  readonly onClose: () => void;
}

/** Makes a function from a template. */
export function NewFunction({ pickers, onClose }: PickProps) {
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
      <label className={field.field}>
        <span>Name</span>
        <input
          className={field.input}
          data-autofocus="true"
          value={name}
          aria-invalid={wrongName}
          aria-describedby="name-note"
          placeholder="resize-image"
          onChange={(event) => setName(event.target.value)}
        />
        <span id="name-note" className={wrongName ? `${field.note} danger` : field.note}>
          Lower-case letters, digits and dashes, at most 48 characters.
        </span>
      </label>
      <fieldset className={styles.templates}>
        <legend>Start from</legend>
        {templates.error !== null && <ErrorState compact error={templates.error} />}
        {(templates.value ?? []).map((entry) => (
          <label
            key={entry.id}
            className={entry.id === template ? `${styles.template} ${styles.templateChosen}` : styles.template}
          >
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
      <PathField
        label="Folder"
        note="Left empty: the folder that is shown."
        placeholder={`${projectsDir}/${name || 'name'}`}
        value={dir}
        onChange={setDir}
        pickers={{ pickDirectory: pickers.pickDirectory }}
      />
    </FormDialog>
  );
}

/** Opens a folder of the machine that runs the engine. */
export function OpenFolder({ pickers, onClose }: PickProps) {
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
      <PathField
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
        pickers={{ pickDirectory: pickers.pickDirectory }}
      />
    </FormDialog>
  );
}

/** Inspects an image file of the machine that runs the engine. */
export function OpenImage({ pickers, onClose }: PickProps) {
  const studio = useStudio();
  const [path, setPath] = useState('');
  const absolute = path.trim().startsWith('/');
  return (
    <FormDialog
      title="Look into an image"
      action="Open"
      valid={absolute}
      onClose={onClose}
      onSubmit={async () => void studio.images.inspect({ path: path.trim() })}
    >
      <PathField
        label="Image file on the machine that runs the engine"
        note={
          path !== '' && !absolute ? 'Give the whole path, beginning with /.' : 'One of ours or of ops: raw or qcow2.'
        }
        wrong={path !== '' && !absolute}
        placeholder="/home/ada/.ops/images/web"
        value={path}
        onChange={setPath}
        pickers={{ pickFile: pickers.pickFile }}
      />
    </FormDialog>
  );
}

/** Makes a file, or (from a path) renames one. */
export function FilePath({ from, onClose }: { readonly from: string | null; readonly onClose: () => void }) {
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
      <label className={field.field}>
        <span>Path in the function’s folder</span>
        <input
          className={`${field.input} mono`}
          data-autofocus="true"
          value={path}
          aria-invalid={trimmed !== '' && !inside}
          placeholder="lib/greet.ts"
          spellCheck={false}
          onChange={(event) => setPath(event.target.value)}
        />
        <span className={trimmed !== '' && !inside ? `${field.note} danger` : field.note}>
          {trimmed !== '' && !inside
            ? 'It must stay inside the folder, without an empty part.'
            : 'Folders on the way are made.'}
        </span>
      </label>
    </FormDialog>
  );
}
