import { type FormEvent, useState } from 'react';
import type { ImportProposal } from '#shared/model/import.ts';
import { configFileSchema } from '#shared/model/project.ts';
import { useSession, useStudio } from '../../bind/studio.tsx';
import type { Importing } from '../../state/transient.ts';
import { Button } from '../../ui/button.tsx';
import facts from '../../ui/facts.module.css';
import field from '../../ui/field.module.css';
import { formatBytes } from '../../ui/format.ts';
import { PathField, type Pickers } from '../../ui/path-field.tsx';
import { ErrorState, ProgressBar } from '../../ui/states.tsx';
import { Findings } from './findings.tsx';
import styles from './imports.module.css';
import { ProposalParts } from './proposal-parts.tsx';

export interface ProposalViewProps {
  readonly proposal: ImportProposal;
  readonly importing: Importing;
  readonly pickers: Pickers;
}

/** The proposed project: its problems first, then its program, its files, and its place. */
export function ProposalView({ proposal, importing, pickers }: ProposalViewProps) {
  const studio = useStudio();
  const projectsDir = useSession((state) => state.info?.projectsDir ?? '');
  const [name, setName] = useState(proposal.name);
  const [dir, setDir] = useState('');
  const creating = importing.stage === 'creating';
  const wrongName = !configFileSchema.shape.name.safeParse(name).success;
  const wrongDir = dir.trim() !== '' && !/^[/~]/.test(dir.trim());
  const canCreate = proposal.canCreate && !wrongName && !wrongDir && !creating;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (canCreate) void studio.imports.create({ name, dir: dir.trim() === '' ? null : dir.trim() });
  };
  return (
    <form onSubmit={submit}>
      <header className={styles.head}>
        <strong>{proposal.summary}</strong>
        <span className="mono muted ellipsis selectable" data-tip={proposal.source}>
          {proposal.source}
        </span>
      </header>
      <Findings proposal={proposal} />
      <Starts proposal={proposal} />
      <ProposalParts proposal={proposal} />
      {proposal.canCreate && (
        <div className={styles.place}>
          <label className={field.field}>
            <span>Name</span>
            <input
              className={field.input}
              value={name}
              data-autofocus="true"
              aria-invalid={wrongName}
              spellCheck={false}
              onChange={(event) => setName(event.target.value)}
            />
            <span className={wrongName ? `${field.note} danger` : field.note}>
              Lower-case letters, digits and dashes, at most 48.
            </span>
          </label>
          <PathField
            label="Folder"
            note={wrongDir ? 'Give the whole path, beginning with /.' : 'Left empty: the folder that is shown.'}
            wrong={wrongDir}
            placeholder={`${projectsDir}/${name || 'name'}`}
            value={dir}
            onChange={setDir}
            pickers={{ pickDirectory: pickers.pickDirectory }}
          />
        </div>
      )}
      {importing.error !== null && <ErrorState compact error={importing.error} />}
      <div className={`${field.actions} ${styles.actions}`}>
        {creating && (
          <span className={styles.creating} role="status">
            {importing.message}
            <ProgressBar fraction={importing.fraction} label={importing.message} />
          </span>
        )}
        {proposal.canCreate ? (
          <>
            <Button onClick={studio.imports.back} disabled={creating}>
              Another source
            </Button>
            <Button kind="primary" type="submit" disabled={!canCreate}>
              {creating ? 'Working' : 'Create the project'}
            </Button>
          </>
        ) : (
          <>
            <Button icon="refresh" onClick={() => void studio.imports.examine(proposal.source)}>
              Look again
            </Button>
            <Button kind="primary" autoFocus onClick={studio.imports.back}>
              Another source
            </Button>
          </>
        )}
      </div>
    </form>
  );
}

/** The program in the guest, and its environment. */
function Starts({ proposal }: { readonly proposal: ImportProposal }) {
  const { program, args, cwd, port, envNames, files } = proposal;
  return (
    <dl className={`${facts.facts} ${styles.facts}`}>
      <dt>Starts</dt>
      <dd className="mono selectable">
        {program === null ? <span className="danger">nothing that can run</span> : [program, ...args].join(' ')}
      </dd>
      {cwd !== null && (
        <>
          <dt>In</dt>
          <dd className="mono selectable">{cwd}</dd>
        </>
      )}
      <dt>Listens</dt>
      <dd>
        {port === null ? (
          <span className="muted">nothing says on which port: set port in its options</span>
        ) : (
          <span className="mono">port {port}</span>
        )}
      </dd>
      {envNames.length > 0 && (
        <>
          <dt>Environment</dt>
          <dd className="mono selectable">{envNames.join(' ')}</dd>
        </>
      )}
      <dt>Image</dt>
      <dd>
        <span className="mono">{files.count.toLocaleString('en')}</span> files,{' '}
        <span className="mono">{formatBytes(files.bytes)}</span>, besides the kernel
      </dd>
    </dl>
  );
}
