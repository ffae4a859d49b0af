import { useSession, useStudio } from '../../bind/studio.tsx';
import type { Inspected } from '../../state/session.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { formatBytes } from '../../ui/format.ts';
import { hexTable } from '../../ui/hex.ts';
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx';
import styles from './file-view.module.css';
import type { ImageNode } from './image-tree.ts';

export interface FileViewProps {
  readonly node: ImageNode | null;
  readonly shown: Inspected;
  /** Shows a folder alone in the map. */
  readonly onZoom: (node: ImageNode) => void;
}

/** The selected entry: its place and size, and the beginning of a file. */
export function FileView({ node, shown, onZoom }: FileViewProps) {
  const studio = useStudio();
  const { path } = shown;
  const reads = node !== null && path === node.path;
  return (
    <section className={styles.file} aria-label="Selected">
      <header className={styles.head}>
        <span className="mono ellipsis selectable" data-tip={node?.path}>
          {node?.path ?? 'Nothing is selected'}
        </span>
        {node !== null && <span className={`muted ${styles.facts}`}>{factsOf(node)}</span>}
        {node !== null && (
          <IconButton icon="copy" label="Copy its path" onClick={() => void navigator.clipboard.writeText(node.path)} />
        )}
      </header>
      <div className={`${styles.body} scroll`}>
        {node === null ? (
          <EmptyState title="Choose a file in the tree or the map">Enter shows how it begins.</EmptyState>
        ) : node.kind === 'directory' ? (
          <EmptyState
            title={`${node.files.toLocaleString('en')} ${node.files === 1 ? 'file' : 'files'} in this folder`}
            action={<Button onClick={() => onZoom(node)}>Show it alone in the map</Button>}
          />
        ) : reads ? (
          <Beginning />
        ) : (
          <EmptyState
            title={node.target === null ? 'A file' : `A link to ${node.target}`}
            action={
              <Button icon="file" shortcut="Enter" onClick={() => void studio.images.read(node.path)}>
                Show how it begins
              </Button>
            }
          />
        )}
      </div>
    </section>
  );
}

function factsOf(node: ImageNode): string {
  if (node.kind === 'directory') return formatBytes(node.storedBytes);
  if (node.target !== null) return 'link';
  const holes = node.storedBytes < node.bytes ? `, ${formatBytes(node.storedBytes)} stored` : '';
  return `${formatBytes(node.bytes)}${holes}`;
}

function Beginning() {
  const studio = useStudio();
  const text = useSession((state) => state.inspected?.text);
  const path = useSession((state) => state.inspected?.path ?? null);
  if (text?.error) {
    return (
      <ErrorState
        compact
        error={text.error}
        actions={<Button onClick={() => void studio.images.read(path)}>Read again</Button>}
      />
    );
  }
  if (text?.value == null) return <LoadingState message="Reading the file" />;
  const { value } = text;
  const table = value.text === null ? hexTable(value.base64 ?? '') : null;
  const shownBytes =
    value.text === null ? atob(value.base64 ?? '').length - (table?.leftBytes ?? 0) : new Blob([value.text]).size;
  return (
    <>
      {value.bytes === 0 && <p className={`${styles.note} muted`}>The file is empty.</p>}
      <pre className={`${styles.text} mono selectable`}>{value.text ?? table?.text}</pre>
      {shownBytes < value.bytes && (
        <p className={`${styles.note} muted`}>
          The first {formatBytes(shownBytes)} of {formatBytes(value.bytes)}.
        </p>
      )}
    </>
  );
}
