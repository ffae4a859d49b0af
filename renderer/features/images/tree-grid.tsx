import { type KeyboardEvent, type MouseEvent, useEffect, useId, useRef } from 'react';
import { formatBytes } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { useVirtualRows } from '../../ui/virtual-rows.ts';
import type { ImageNode, TreeRow } from './image-tree.ts';
import styles from './tree-grid.module.css';

/** Units: px, as in the style sheet. */
const rowHeight = 22;
const headHeight = 24;

export interface TreeGridProps {
  readonly rows: readonly TreeRow[];
  /** The size of the whole file system, the base of the shares. */
  readonly totalBytes: number;
  readonly selected: ImageNode | null;
  readonly onSelect: (node: ImageNode) => void;
  readonly onToggle: (node: ImageNode, open: boolean) => void;
  readonly onOpen: (node: ImageNode) => void;
}

/** The tree as a table: names, sizes and shares, biggest first. It draws only the rows in view. */
export function TreeGrid({ rows, totalBytes, selected, onSelect, onToggle, onOpen }: TreeGridProps) {
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const { first, end, reveal, page } = useVirtualRows(scroller, rows.length, rowHeight, headHeight);
  const index = selected === null ? -1 : rows.findIndex((row) => row.node === selected);
  useEffect(() => {
    if (index >= 0) reveal(index);
  }, [index, reveal]);

  const act = (event: KeyboardEvent) => {
    const row = rows[index];
    const go = (to: number) => {
      const next = rows[Math.max(0, Math.min(rows.length - 1, to))];
      if (next !== undefined) onSelect(next.node);
    };
    const step = {
      ArrowDown: 1,
      ArrowUp: index < 0 ? 1 : -1,
      PageDown: page,
      PageUp: -page,
      Home: -rows.length,
      End: rows.length,
    }[event.key];
    if (step !== undefined) go(index + step);
    else if (row === undefined) return;
    else if (event.key === 'ArrowRight') {
      if (row.node.kind !== 'directory') return;
      if (row.open) go(index + 1);
      else onToggle(row.node, true);
    } else if (event.key === 'ArrowLeft') {
      if (row.open) onToggle(row.node, false);
      else if (row.node.parent !== null && row.level > 1) onSelect(row.node.parent);
    } else if (event.key === 'Enter' || event.key === ' ') openRow(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const openRow = ({ node, open }: TreeRow) => {
    if (node.kind === 'directory') onToggle(node, !open);
    else onOpen(node);
  };

  const onClick = (event: MouseEvent) => {
    const target = event.target as Element;
    const row = rows[Number(target.closest<HTMLElement>('[data-index]')?.dataset.index)];
    if (row === undefined) return;
    onSelect(row.node);
    if (target.closest('.tree-arrow') !== null || event.detail === 2) openRow(row);
  };

  return (
    <div ref={scroller} className={`${styles.tree} scroll`}>
      <table
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: ARIA in HTML lets a table be a treegrid, and its rows and cells follow.
        role="treegrid"
        aria-label="Files of the image, biggest first"
        aria-rowcount={rows.length + 1}
        aria-activedescendant={index < first || index >= end ? undefined : `${id}-${index}`}
        tabIndex={0}
        data-main
        onKeyDown={act}
        onClick={onClick}
      >
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">Name</th>
            <th scope="col" className={styles.files}>
              Files
            </th>
            <th scope="col" className={styles.size}>
              Size
            </th>
            <th scope="col" className={styles.share}>
              Share
            </th>
          </tr>
        </thead>
        <tbody>
          <Gap rows={first} />
          {rows.slice(first, end).map((row, offset) => (
            <Row
              key={row.node.path}
              id={`${id}-${first + offset}`}
              row={row}
              index={first + offset}
              share={totalBytes === 0 ? 0 : row.node.storedBytes / totalBytes}
              isSelected={row.node === selected}
            />
          ))}
          <Gap rows={rows.length - end} />
        </tbody>
      </table>
    </div>
  );
}

/** Takes the space of rows that are not drawn. */
function Gap({ rows }: { readonly rows: number }) {
  return rows === 0 ? null : <tr style={{ height: rows * rowHeight }} />;
}

interface RowProps {
  readonly id: string;
  readonly row: TreeRow;
  readonly index: number;
  readonly share: number;
  readonly isSelected: boolean;
}

function Row({ id, row, index, share, isSelected }: RowProps) {
  const { node, level } = row;
  const isFolder = node.kind === 'directory';
  return (
    <tr
      id={id}
      className={isSelected ? styles.selected : undefined}
      data-index={index}
      aria-rowindex={index + 2}
      aria-level={level}
      aria-posinset={row.position}
      aria-setsize={row.siblings}
      aria-expanded={isFolder ? row.open : undefined}
      aria-selected={isSelected}
    >
      <td>
        <span className={styles.name} style={{ paddingLeft: 8 + (level - 1) * 14 }}>
          <span className={styles.arrow}>{isFolder && <Icon name={row.open ? 'down' : 'right'} size={12} />}</span>
          <span className="ellipsis">{node.name}</span>
          {node.target !== null && <span className={`muted ellipsis ${styles.target}`}>→ {node.target}</span>}
        </span>
      </td>
      <td className={`${styles.files} muted`}>{isFolder ? node.files.toLocaleString('en') : ''}</td>
      <td className={`${styles.size} mono`}>{formatBytes(node.storedBytes)}</td>
      <td className={styles.share}>
        <span className={styles.measure}>
          <span className={styles.bar} aria-hidden="true">
            <span style={{ width: `${share * 100}%` }} />
          </span>
          <span className="mono">{formatShare(share)}</span>
        </span>
      </td>
    </tr>
  );
}

/** A share for a person: a small share is not written as 0. */
export const formatShare = (share: number): string =>
  share === 0 ? '0 %' : share < 0.001 ? '< 0.1 %' : `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`;
