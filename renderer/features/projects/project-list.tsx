import type { Project, ProjectFile } from '#shared/model/project.ts';
import { useProject, useSaved, useSession, useStudio } from '../../bind/studio.tsx';
import { docKey, isDirty } from '../../state/session.ts';
import button from '../../ui/button.module.css';
import { Button, IconButton } from '../../ui/button.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Menu } from '../../ui/menu.tsx';
import { RowList } from '../../ui/row-list.tsx';
import rows from '../../ui/rows.module.css';
import { Section } from '../../ui/section.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import { UnsavedDot } from '../../ui/unsaved-dot.tsx';
import styles from './project-list.module.css';

/** The open functions; under the chosen one, its files. */
export function ProjectList() {
  const studio = useStudio();
  const projects = useSession((state) => state.projects);
  const current = useProject();
  const openDialog = (kind: 'new-function' | 'open-folder') => studio.transient.setState({ dialog: { kind } });
  return (
    <Section
      title="Functions"
      grow
      actions={
        <>
          <IconButton
            icon="plus"
            label="New function"
            shortcut="Ctrl+Alt+N"
            onClick={() => openDialog('new-function')}
          />
          <IconButton icon="folder" label="Open folder" shortcut="Ctrl+O" onClick={() => openDialog('open-folder')} />
        </>
      }
    >
      {projects.value === null && projects.status === 'failed' && projects.error !== null ? (
        <ErrorState
          compact
          error={projects.error}
          actions={<Button onClick={() => void studio.projects.load()}>Try again</Button>}
        />
      ) : projects.value === null ? (
        <LoadingState message="Reading the open functions" />
      ) : projects.value.length === 0 ? (
        <EmptyState
          icon="function"
          title="No function is open"
          action={
            <>
              <Button kind="primary" onClick={() => openDialog('new-function')}>
                New function
              </Button>
              <Button onClick={() => openDialog('open-folder')}>Open folder</Button>
            </>
          }
        >
          A function is a folder with a firstlight.json and a handler.
        </EmptyState>
      ) : (
        <RowList label="Functions">
          {projects.value.map((project) => (
            <ProjectRow key={project.id} project={project} current={project.id === current?.id} />
          ))}
        </RowList>
      )}
    </Section>
  );
}

function ProjectRow({ project, current }: { readonly project: Project; readonly current: boolean }) {
  const studio = useStudio();
  const docs = useSession((state) => state.docs);
  const build = useSession((state) => state.builds[project.id]);
  const dirty = Object.values(docs).some((doc) => doc.projectId === project.id && isDirty(doc));
  const broken = project.problems.some((problem) => problem.severity === 'error') || (build?.error ?? null) !== null;
  return (
    <li>
      <div className={current ? `${rows.row} ${rows.current}` : rows.row}>
        <button
          type="button"
          className={rows.main}
          data-row
          aria-current={current}
          data-tip={project.dir}
          onClick={() => void studio.projects.select(project.id)}
        >
          <Icon name={current ? 'down' : 'right'} size={12} />
          <span className={`ellipsis ${rows.name}`}>{project.name}</span>
          {broken && (
            <span className={`${styles.mark} danger`}>
              {'!'}
              <span className="sr-only"> has problems</span>
            </span>
          )}
          {dirty && <UnsavedDot label="not saved" />}
          {!project.trusted && (
            <span className={styles.restricted} data-tip="Restricted: it gets its own folder and its ports">
              <Icon name="lock" size={12} />
              <span className="sr-only"> is restricted</span>
            </span>
          )}
        </button>
        <Menu
          label={`Actions of ${project.name}`}
          className={`${button.iconButton} ${rows.action}`}
          items={[
            {
              id: 'file',
              label: 'New file',
              icon: 'plus',
              disabled: !current,
              onSelect: () => studio.transient.setState({ dialog: { kind: 'new-file' } }),
            },
            {
              id: 'copy',
              label: 'Copy its path',
              icon: 'copy',
              onSelect: () => void navigator.clipboard.writeText(project.dir),
            },
            {
              id: 'trust',
              label: 'What it asks for',
              icon: 'lock',
              onSelect: () => studio.transient.setState({ dialog: { kind: 'trust', projectId: project.id } }),
            },
            {
              id: 'close',
              label: 'Close (its files stay)',
              icon: 'close',
              separated: true,
              onSelect: () => void studio.projects.close(project.id),
            },
          ]}
        >
          <Icon name="more" size={14} />
        </Menu>
      </div>
      {current && <FileList project={project} />}
    </li>
  );
}

function FileList({ project }: { readonly project: Project }) {
  const studio = useStudio();
  const files = useSession((state) => state.files[project.id]);
  if (files === undefined || (files.value === null && files.status === 'loading')) {
    return <p className={`${rows.row} ${rows.note}`}>Reading its files</p>;
  }
  if (files.value === null && files.error !== null) {
    return (
      <ErrorState
        compact
        error={files.error}
        actions={<Button onClick={() => void studio.projects.loadFiles(project.id)}>Read again</Button>}
      />
    );
  }
  const entries = files.value ?? [];
  if (entries.length === 0) return <p className={`${rows.row} ${rows.note}`}>This folder is empty</p>;
  return (
    <ul aria-label={`Files of ${project.name}`}>
      {entries.map((file) => (
        <FileRow key={file.path} project={project} file={file} />
      ))}
    </ul>
  );
}

function FileRow({ project, file }: { readonly project: Project; readonly file: ProjectFile }) {
  const studio = useStudio();
  const doc = useSession((state) => state.docs[docKey(project.id, file.path)]);
  const active = useSaved((state) => state.tabs[project.id]?.active === file.path);
  const depth = file.path.split('/').length - 1;
  const name = file.path.split('/').at(-1);
  if (file.kind === 'folder') {
    return (
      <li className={`${rows.row} ${styles.folder}`} style={{ paddingLeft: 26 + depth * 12 }}>
        <Icon name="folder" size={12} />
        <span className="ellipsis">{name}</span>
      </li>
    );
  }
  return (
    <li className={active ? `${rows.row} ${rows.active}` : rows.row}>
      <button
        type="button"
        data-row
        className={rows.main}
        style={{ paddingLeft: 26 + depth * 12 }}
        aria-current={active}
        onClick={() => studio.docs.open(project.id, file.path)}
      >
        <span className={`ellipsis ${rows.name}`}>{name}</span>
        {doc !== undefined && isDirty(doc) && <UnsavedDot label="not saved" />}
      </button>
      <Menu
        label={`Actions of ${file.path}`}
        className={`${button.iconButton} ${rows.action}`}
        items={[
          {
            id: 'beside',
            label: 'Open in a second editor',
            icon: 'split',
            onSelect: () => studio.docs.openBeside(project.id, file.path),
          },
          {
            id: 'rename',
            label: 'Rename',
            onSelect: () => studio.transient.setState({ dialog: { kind: 'rename-file', path: file.path } }),
          },
          {
            id: 'delete',
            label: 'Delete',
            icon: 'trash',
            danger: true,
            onSelect: () =>
              studio.transient.setState({
                dialog: {
                  kind: 'confirm',
                  title: `Delete ${file.path}?`,
                  message: 'It is removed from disk.',
                  action: 'Delete',
                  onConfirm: () => void studio.docs.deleteFile(project.id, file.path),
                },
              }),
          },
        ]}
      >
        <Icon name="more" size={14} />
      </Menu>
    </li>
  );
}
