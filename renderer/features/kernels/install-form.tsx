import { type FormEvent, useRef, useState } from 'react';
import { kernelVersionSchema } from '#shared/model/kernel.ts';
import { useStudio, useTransient } from '../../bind/studio.tsx';
import type { KernelRuntime } from '../../state/kernels.ts';
import { Button } from '../../ui/button.tsx';
import field from '../../ui/field.module.css';
import { PathField, type Pickers } from '../../ui/path-field.tsx';
import styles from './install.module.css';
import { InstallState } from './install-state.tsx';

export interface InstallFormProps {
  readonly runtime: KernelRuntime;
  readonly notice: string;
  readonly pickers: Pickers;
}

/** The two sources of a release: a published one, or a local build. */
export function InstallForm({ runtime, notice, pickers }: InstallFormProps) {
  const studio = useStudio();
  const install = useTransient((state) => state.kernelInstall);
  const [version, setVersion] = useState('latest');
  const [from, setFrom] = useState('');
  const [name, setName] = useState('');
  const local = useRef<HTMLFormElement>(null);
  const busy = install !== null && install.stage !== 'failed';
  const wrongVersion = !kernelVersionSchema.safeParse(version.trim()).success;
  const wrongName = name.trim() !== '' && !kernelVersionSchema.safeParse(name.trim()).success;
  const wrongPath = from.trim() !== '' && !/^[/~]/.test(from.trim());

  const installPublished = (event: FormEvent) => {
    event.preventDefault();
    void studio.kernels.install(runtime.id, { kind: 'official', version: version.trim() });
  };
  const installLocal = (event: FormEvent) => {
    event.preventDefault();
    const as = name.trim() === '' ? null : name.trim();
    void studio.kernels.install(runtime.id, { kind: 'local', from: from.trim(), as });
  };
  return (
    <section className={styles.install} aria-label="Install a release">
      {install !== null && (
        <InstallState
          install={install}
          notice={notice}
          onTakeLocal={() => local.current?.querySelector('input')?.focus()}
        />
      )}
      <div className={styles.ways}>
        <form aria-label="A published release" onSubmit={installPublished}>
          <h2>A published release</h2>
          <label className={field.field}>
            <span>Version</span>
            <input
              className={`${field.input} mono`}
              value={version}
              aria-invalid={wrongVersion}
              spellCheck={false}
              onChange={(event) => setVersion(event.target.value)}
            />
            <span className={wrongVersion ? `${field.note} danger` : field.note}>
              {wrongVersion ? 'latest, or a number such as 0.1.54' : 'latest, or a number. Some 2 MiB are downloaded.'}
            </span>
          </label>
          <Button kind="primary" type="submit" icon="download" disabled={busy || wrongVersion}>
            Install {version.trim() === 'latest' ? 'the latest' : version.trim()}
          </Button>
        </form>
        <form ref={local} aria-label="A build of your own" onSubmit={installLocal}>
          <h2>A build of your own</h2>
          <PathField
            label="Folder or tarball on the machine that runs the engine"
            note={wrongPath ? 'Give the whole path, beginning with /.' : `${sentence(runtime.kernels.localBuild)}.`}
            wrong={wrongPath}
            placeholder="/home/ada/build"
            value={from}
            onChange={setFrom}
            pickers={pickers}
          />
          <div className={styles.local}>
            <label className={field.field}>
              <span>Name</span>
              <input
                className={`${field.input} mono`}
                value={name}
                aria-invalid={wrongName}
                placeholder="made from its content"
                spellCheck={false}
                onChange={(event) => setName(event.target.value)}
              />
            </label>
            <Button type="submit" icon="folder" disabled={busy || from.trim() === '' || wrongPath || wrongName}>
              Install it
            </Button>
          </div>
        </form>
      </div>
    </section>
  );
}

const sentence = (words: string) => words.charAt(0).toUpperCase() + words.slice(1);
