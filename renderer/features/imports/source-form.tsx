import { type FormEvent, useState } from 'react';
import { useStudio } from '../../bind/studio.tsx';
import type { Importing } from '../../state/transient.ts';
import { Button } from '../../ui/button.tsx';
import field from '../../ui/field.module.css';
import { PathField, type Pickers } from '../../ui/path-field.tsx';
import { ErrorState } from '../../ui/states.tsx';
import styles from './imports.module.css';

interface Kind {
  readonly id: string;
  readonly title: string;
  readonly words: string;
  readonly label: string;
  readonly placeholder: string;
  readonly note: string;
  readonly isPath: boolean;
}

const kinds: readonly Kind[] = [
  {
    id: 'elf',
    title: 'A Linux program',
    words: 'An ELF file: Go, Rust, C, an interpreter. The libraries it needs are found.',
    label: 'Path on the machine that runs the engine',
    placeholder: '/home/ada/server/bin/server',
    note: 'The program itself.',
    isPath: true,
  },
  {
    id: 'ops',
    title: 'From ops',
    words: 'A config.json, or a package: a folder or tarball such as lua_5.2.4.',
    label: 'Path on the machine that runs the engine',
    placeholder: '/home/ada/server/config.json',
    note: 'A config.json, or a package’s folder or tarball.',
    isPath: true,
  },
  {
    id: 'oci',
    title: 'An OCI image',
    words: 'From a registry, a layout or an archive of docker, podman or skopeo.',
    label: 'Image',
    placeholder: 'docker://REGISTRY/NAME:TAG',
    note: 'docker://REGISTRY/NAME:TAG, oci:DIR:TAG, oci-archive:FILE or docker-archive:FILE.',
    isPath: false,
  },
];

export interface SourceFormProps {
  readonly importing: Importing;
  readonly pickers: Pickers;
}

/** The path of the program to import. */
export function SourceForm({ importing, pickers }: SourceFormProps) {
  const studio = useStudio();
  const [source, setSource] = useState(importing.source);
  const [kindId, setKindId] = useState(kindOf(importing.source));
  const kind = kinds.find((entry) => entry.id === kindId) ?? kinds[0];
  if (kind === undefined) return null;
  const text = source.trim();
  const wrong = kind.isPath && text !== '' && !text.startsWith('/');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text !== '' && !wrong) void studio.imports.examine(text);
  };
  return (
    <form onSubmit={submit}>
      <fieldset className={styles.kinds} aria-label="What to import">
        {kinds.map((entry) => (
          <label key={entry.id} className={entry.id === kind.id ? `${styles.kind} ${styles.chosen}` : styles.kind}>
            <input
              type="radio"
              name="kind"
              value={entry.id}
              checked={entry.id === kind.id}
              onChange={() => setKindId(entry.id)}
            />
            <strong>{entry.title}</strong>
            <span className="muted">{entry.words}</span>
          </label>
        ))}
      </fieldset>
      <PathField
        label={kind.label}
        note={wrong ? 'Give the whole path, beginning with /.' : kind.note}
        wrong={wrong}
        placeholder={kind.placeholder}
        value={source}
        autoFocus
        onChange={setSource}
        pickers={kind.id === 'elf' ? { pickFile: pickers.pickFile } : pickers}
      />
      {importing.error !== null && <ErrorState compact error={importing.error} />}
      <div className={field.actions}>
        <Button onClick={studio.imports.close}>Cancel</Button>
        <Button kind="primary" type="submit" disabled={text === '' || wrong}>
          Look at it
        </Button>
      </div>
    </form>
  );
}

/** The most likely kind of a given source. */
function kindOf(source: string): string {
  if (source !== '' && !source.startsWith('/')) return 'oci';
  return source.endsWith('.json') ? 'ops' : 'elf';
}
