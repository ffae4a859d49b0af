import { useProject, useSaved, useSession, useStudio } from '../../bind/studio.tsx';
import { configPath } from '../../state/config-text.ts';
import { type Doc, docKey, isDirty } from '../../state/session.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Icon } from '../../ui/icon.tsx';
import { LazyView } from '../../ui/lazy-view.tsx';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import tabStyles from '../../ui/tabs.module.css';
import { TabList } from '../../ui/tabs.tsx';
import { UnsavedDot } from '../../ui/unsaved-dot.tsx';
import styles from './editor.module.css';

const loadEditor = () => import('./code-editor.tsx');
// The editor loads while the window connects, so that it is ready for the first file. If that fails, the panel
// reports it when it asks again.
requestIdleCallback(() => void loadEditor().catch(() => undefined));

/** The open files of the project in tabs, and the one being edited. */
export function EditorPanel({ theme }: { readonly theme: 'light' | 'dark' }) {
  const studio = useStudio();
  const project = useProject();
  const tabs = useSaved((state) => (project === null ? undefined : state.tabs[project.id]));
  const docs = useSession((state) => state.docs);
  const beside = useSaved((state) => (project === null ? null : (state.split[project.id] ?? null)));
  if (project === null) return null;
  const active = tabs?.active ?? null;
  const doc = active === null ? undefined : docs[docKey(project.id, active)];
  const besideDoc = beside === null ? undefined : docs[docKey(project.id, beside)];
  return (
    <div className={styles.editor}>
      <div className={tabStyles.bar}>
        <TabList
          label="Open files"
          panelId="editor-body"
          active={active}
          onSelect={(path) => studio.docs.open(project.id, path)}
          items={(tabs?.paths ?? []).map((path) => {
            const entry = docs[docKey(project.id, path)];
            const dirty = entry !== undefined && isDirty(entry);
            const close = () => studio.docs.close(project.id, path);
            return {
              id: path,
              name: dirty ? `${path}, not saved` : path,
              tip: dirty ? `${path}: not saved. Ctrl+S saves and builds` : path,
              label: (
                <>
                  <span>{path.split('/').at(-1)}</span>
                  {dirty && <UnsavedDot />}
                  {entry?.conflict && (
                    <span className={`warning ${styles.tabMark}`}>
                      <Icon name="warning" size={12} />
                    </span>
                  )}
                </>
              ),
              trailing: <IconButton icon="close" size={12} label={`Close ${path}`} onClick={close} />,
              onClose: close,
            };
          })}
        />
        <IconButton
          icon="split"
          label={beside === null ? 'Show the file in a second editor' : 'Close the second editor'}
          shortcut={'Ctrl+\\'}
          pressed={beside !== null}
          disabled={active === null && beside === null}
          onClick={() => studio.docs.openBeside(project.id, beside === null ? active : null)}
        />
        {active === configPath && (
          <IconButton
            icon="sliders"
            label="Every option, with its words, as a form"
            shortcut="Ctrl+,"
            onClick={() => studio.transient.setState({ center: 'options' })}
          />
        )}
      </div>
      {doc?.conflict && <ConflictBar doc={doc} />}
      <div className={styles.panes}>
        <div className={styles.body} id="editor-body" role="tabpanel" aria-label={active ?? 'Editor'}>
          <OpenFile doc={doc} theme={theme} />
        </div>
        {beside !== null && (
          <section className={styles.beside} aria-label="Second editor">
            <header className={styles.besideHead}>
              <span className="ellipsis" data-tip={beside}>
                {beside.split('/').at(-1)}
              </span>
              {besideDoc !== undefined && isDirty(besideDoc) && <UnsavedDot label="not saved" />}
              <IconButton
                icon="close"
                size={12}
                label="Close the second editor"
                shortcut={'Ctrl+\\'}
                onClick={() => studio.docs.openBeside(project.id, null)}
              />
            </header>
            <div className={styles.body}>
              <OpenFile doc={besideDoc} theme={theme} isSecond />
            </div>
          </section>
        )}
      </div>
    </div>
  );
}

interface OpenFileProps {
  readonly doc: Doc | undefined;
  readonly theme: 'light' | 'dark';
  readonly isSecond?: boolean;
}

/** A file in the editor, or the reason why it cannot be shown. */
function OpenFile({ doc, theme, isSecond = false }: OpenFileProps) {
  const studio = useStudio();
  if (doc === undefined) {
    return (
      <EmptyState icon="file" title="No file is open">
        Choose one in the list on the left, or press Ctrl+K and type its name.
      </EmptyState>
    );
  }
  if (doc.status === 'loading') return <LoadingState message={`Reading ${doc.path}`} />;
  if (doc.error !== null && doc.status === 'failed') {
    return (
      <ErrorState
        error={doc.error}
        actions={<Button onClick={() => void studio.docs.load(doc.projectId, doc.path)}>Read again</Button>}
      />
    );
  }
  return (
    <LazyView load={loadEditor} fallback={<PlainText text={doc.text} />}>
      {(CodeEditor) => <CodeEditor projectId={doc.projectId} path={doc.path} theme={theme} isSecond={isSecond} />}
    </LazyView>
  );
}

/** The file as plain text, until the editor has loaded. */
function PlainText({ text }: { readonly text: string }) {
  return <pre className={`${styles.plain} mono`}>{text}</pre>;
}

function ConflictBar({ doc }: { readonly doc: Doc }) {
  const studio = useStudio();
  const key = docKey(doc.projectId, doc.path);
  return (
    <div className={styles.conflictBar} role="alert">
      <Icon name="warning" size={14} />
      <span className={styles.conflictText}>
        {doc.conflict === 'deleted'
          ? `${doc.path} was deleted on disk. What is here is the only copy.`
          : `${doc.path} changed on disk while you were editing it.`}
      </span>
      {doc.conflict === 'changed' && (
        <Button onClick={() => void studio.docs.reload(key)} tip="Takes what is on disk and drops what was typed here">
          Reload
        </Button>
      )}
      <Button
        onClick={() => void studio.docs.save(key, { overwrite: true })}
        tip="Writes what is here over what is on disk"
      >
        {doc.conflict === 'deleted' ? 'Write it again' : 'Overwrite'}
      </Button>
    </div>
  );
}
