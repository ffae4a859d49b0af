import { useMemo, useRef, useState } from 'react';
import { programKeys } from '#shared/model/program.ts';
import type { Project } from '#shared/model/project.ts';
import { readRuntimeSections } from '#shared/model/runtime-options.ts';
import { useProject, useSession, useStudio, useTask } from '../../bind/studio.tsx';
import { configPath, valueAt } from '../../state/config-text.ts';
import { formerSections, runtimeOf } from '../../state/function-config.ts';
import { suggestKernels } from '../../state/kernels.ts';
import { isDirty } from '../../state/session.ts';
import { Button } from '../../ui/button.tsx';
import field from '../../ui/field.module.css';
import { Icon } from '../../ui/icon.tsx';
import { Page } from '../../ui/page.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import { UnsavedDot } from '../../ui/unsaved-dot.tsx';
import { DocText } from './doc-text.tsx';
import { type OptionsForm as Form, OptionsFormContext } from './form-context.ts';
import { OptionRow } from './option-row.tsx';
import styles from './options-form.module.css';
import { makeSections, matches, type Section } from './sections.ts';
import { useConfig } from './use-config.ts';

/** All options of firstlight.json with their descriptions. It edits the text open in the editor, with its undo. */
export function OptionsForm() {
  const project = useProject();
  return project === null ? (
    <EmptyState icon="sliders" title="No function is open" />
  ) : (
    <OptionsOf key={project.id} project={project} />
  );
}

function OptionsOf({ project }: { readonly project: Project }) {
  const studio = useStudio();
  const task = useTask();
  const { doc, value, problems } = useConfig(project);
  const dirty = doc !== undefined && isDirty(doc);
  const asText = () => studio.docs.open(project.id, configPath);
  return (
    <Page
      title={`Options of ${project.name}`}
      note={
        <span className={styles.note}>
          <span className="mono">{configPath}</span>
          {dirty && (
            <>
              <UnsavedDot /> not saved
            </>
          )}
          {problems.size > 0 && (
            <span className="danger">{problems.size === 1 ? '1 problem' : `${problems.size} problems`}</span>
          )}
        </span>
      }
      actions={
        <>
          <Button icon="file" onClick={asText}>
            Edit as text
          </Button>
          <Button
            kind="primary"
            icon="builds"
            shortcut="Ctrl+S"
            disabled={task !== null}
            onClick={() => void studio.saveAndBuild()}
          >
            Save and build
          </Button>
        </>
      }
      closeLabel="Close the options"
      bare
      onClose={() => studio.transient.setState({ center: 'editor' })}
    >
      {doc?.status === 'failed' && doc.error !== null ? (
        <ErrorState
          error={doc.error}
          actions={<Button onClick={() => void studio.config.load(project.id)}>Read again</Button>}
        />
      ) : doc?.status !== 'ready' ? (
        <LoadingState message={`Reading ${configPath}`} />
      ) : value === null ? (
        <EmptyState
          icon="warning"
          title={`${configPath} is not JSON as it stands`}
          action={<Button onClick={asText}>Edit as text</Button>}
        >
          The editor marks the place. The form shows the options again as soon as the text can be read.
        </EmptyState>
      ) : (
        <Options project={project} form={{ value, problems }} />
      )}
    </Page>
  );
}

interface OptionsProps {
  readonly project: Project;
  readonly form: Pick<Form, 'value' | 'problems'>;
}

function Options({ project, form: { value, problems } }: OptionsProps) {
  const studio = useStudio();
  const kernels = useSession((state) => state.kernels);
  const doc = useConfig(project).doc;
  const [query, setQuery] = useState('');
  const [onlySet, setOnlySet] = useState(false);
  const runtimes = useSession((state) => state.runtimes);
  const sections = useMemo(() => makeSections(readRuntimeSections(runtimes)), [runtimes]);
  const [current, setCurrent] = useState(sections[0]?.id);
  const list = useRef<HTMLDivElement>(null);
  const runtime = runtimeOf(project, doc);
  const form = useMemo<Form>(
    () => ({
      value,
      problems,
      query,
      set: (path, next) => studio.config.set(project.id, path, next),
      suggest: (path) => suggestKernels({ runtimes, kernels }, path),
    }),
    [value, problems, query, studio, project.id, runtimes, kernels],
  );
  const isSet = (field: Section['fields'][number]) => valueAt(value, [...field.path]) !== undefined;
  const shown = sections
    .map((section) => ({
      ...section,
      fields: section.fields.filter((field) => matches(field, query) && (!onlySet || isSet(field))),
    }))
    .filter((section) => section.fields.length > 0);
  const moved = formerSections(runtimes).flatMap((section) =>
    programKeys.filter((key) => valueAt(value, [section, key]) !== undefined).map((key) => `${section}.${key}`),
  );
  const chosen = runtimes.find(({ id }) => id === runtime);
  const forPrograms = chosen?.runsPrograms === true ? undefined : runtimes.find(({ runsPrograms }) => runsPrograms);
  const unknown = [...problems].filter(([, words]) => words === 'No such option').map(([place]) => place);
  return (
    <OptionsFormContext value={form}>
      <div className={styles.options}>
        <nav className={styles.nav} aria-label="Sections">
          {sections.map((section) => {
            const count = section.fields.filter(isSet).length;
            const isThere = shown.some((entry) => entry.id === section.id);
            return (
              <button
                key={section.id}
                type="button"
                className={styles.link}
                disabled={!isThere}
                aria-current={section.id === current ? 'true' : undefined}
                onClick={() => scrollTo(list.current, section.id)}
              >
                <span className="ellipsis">{section.title}</span>
                {count > 0 && (
                  <span className={styles.count} data-tip={`${count} set`}>
                    {count}
                    <span className="sr-only"> set</span>
                  </span>
                )}
              </button>
            );
          })}
        </nav>
        <div className={styles.main}>
          <div className={styles.bar}>
            <input
              className={`${field.input} ${styles.search}`}
              type="search"
              data-main
              aria-label="Search the options"
              placeholder="Search names and words"
              value={query}
              spellCheck={false}
              onChange={(event) => {
                setQuery(event.target.value);
                if (list.current !== null) list.current.scrollTop = 0;
              }}
              onKeyDown={(event) => {
                if (event.key !== 'Escape' || query === '') return;
                event.preventDefault();
                event.stopPropagation();
                setQuery('');
              }}
            />
            <label className={styles.only}>
              <input type="checkbox" checked={onlySet} onChange={(event) => setOnlySet(event.target.checked)} />
              Only what is set
            </label>
            {forPrograms !== undefined && (
              <span className={`${styles.runtime} muted`}>
                Programs, files, ports and volumes need a runtime that runs programs.
                <Button onClick={() => void studio.config.chooseRuntime(project.id, forPrograms.id)}>
                  Use {forPrograms.title}
                </Button>
              </span>
            )}
          </div>
          <div
            ref={list}
            className={`${styles.list} scroll`}
            data-part="options"
            onScroll={(event) => setCurrent(sectionAt(event.currentTarget))}
          >
            {unknown.length > 0 && (
              <p className={styles.unknown} role="alert">
                <Icon name="warning" size={13} /> Not an option: <code>{unknown.join(', ')}</code>
                <Button kind="quiet" onClick={() => studio.docs.open(project.id, configPath)}>
                  See the text
                </Button>
              </p>
            )}
            {moved.length > 0 && (
              <p className={styles.unknown} role="status">
                <Icon name="warning" size={13} /> In a former place: <code>{moved.join(', ')}</code>
                <Button kind="quiet" onClick={() => studio.config.migrate(project.id)}>
                  Move to the top level
                </Button>
              </p>
            )}
            {shown.map((section) => (
              <section key={section.id} id={`options-${section.id}`} aria-label={section.title}>
                <h2>{section.title}</h2>
                {section.note !== undefined && <p className={`muted ${styles.words}`}>{section.note}</p>}
                {section.fields.map((field) => (
                  <OptionRow key={field.path.join('.')} field={field} at={[...field.path]} />
                ))}
              </section>
            ))}
            {shown.length === 0 && (
              <EmptyState title={query === '' ? 'Nothing is set' : 'No option has these letters'}>
                <DocText
                  text={query === '' ? 'Every option has its default.' : 'Names, places and words are searched.'}
                />
              </EmptyState>
            )}
          </div>
        </div>
      </div>
    </OptionsFormContext>
  );
}

/** Brings a section to the top of the list. */
function scrollTo(list: HTMLElement | null, id: string): void {
  const section = list?.querySelector<HTMLElement>(`#options-${id}`);
  if (list != null && section != null) list.scrollTop = section.offsetTop - list.offsetTop;
}

/** The section that is being read: the last one whose heading has passed the top, or the last of all at the end. */
function sectionAt(list: HTMLElement): string | undefined {
  const headings = [...list.querySelectorAll<HTMLElement>(':scope > section')];
  const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 1;
  const passed = headings.filter((section) => section.offsetTop - list.offsetTop <= list.scrollTop + 8);
  return (isAtEnd ? headings : passed).at(-1)?.id.replace('options-', '');
}
