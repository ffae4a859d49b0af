import { useMemo, useState } from 'react';
import type { ImageInfo, ImageTree } from '#shared/model/image-tree.ts';
import { useStudio } from '../../bind/studio.tsx';
import type { Inspected } from '../../state/session.ts';
import field from '../../ui/field.module.css';
import { Segments } from '../../ui/segments.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { FileView } from './file-view.tsx';
import { ImageAbout } from './image-about.tsx';
import styles from './image-files.module.css';
import { ImageMap, MapCrumbs } from './image-map.tsx';
import { buildTree, findNode, firstOpen, foldersAbove, type ImageNode, listRows } from './image-tree.ts';
import { TreeGrid } from './tree-grid.tsx';

export interface ImageFilesProps {
  readonly tree: ImageTree;
  readonly info: ImageInfo;
  readonly shown: Inspected;
}

/** The files of an image: as a tree, as a map, and one by one. */
export function ImageFiles({ tree, info, shown }: ImageFilesProps) {
  const studio = useStudio();
  const root = useMemo(() => buildTree(tree.entries), [tree]);
  const [open, setOpen] = useState(() => firstOpen(root));
  const [filter, setFilter] = useState('');
  const [path, setPath] = useState<string | null>(null);
  const [zoomed, setZoomed] = useState(root);
  const [tab, setTab] = useState<'map' | 'about'>('map');
  const rows = useMemo(() => listRows(root, open, filter), [root, open, filter]);
  const selected = useMemo(() => (path === null ? null : findNode(root, path)), [root, path]);
  const select = (node: ImageNode) => {
    setPath(node.path);
    setOpen((before) => new Set([...before, ...foldersAbove(node)]));
  };
  const toggle = (node: ImageNode, isOpen: boolean) =>
    setOpen((before) => {
      const next = new Set(before);
      if (isOpen) next.add(node.path);
      else next.delete(node.path);
      return next;
    });
  const zoom = (node: ImageNode) => {
    if (node.kind === 'directory') setZoomed(node);
  };
  const { files, directories, symlinks } = tree.totals;
  return (
    <div className={styles.files}>
      <div className={styles.tree}>
        <div className={styles.bar}>
          <input
            className={`${field.input} ${styles.filter}`}
            type="search"
            aria-label="Filter by path"
            placeholder="Filter by path"
            value={filter}
            spellCheck={false}
            onChange={(event) => setFilter(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Escape' && filter !== '') {
                event.preventDefault();
                event.stopPropagation();
                setFilter('');
              }
            }}
          />
          <span className={`muted ${styles.count}`} role="status">
            {filter === ''
              ? `${count(files, 'file')}, ${count(directories, 'folder')}, ${count(symlinks, 'link')}`
              : `${rows.filter((row) => row.node.kind !== 'directory').length.toLocaleString('en')} of ${files.toLocaleString('en')}`}
          </span>
        </div>
        {tree.truncated && (
          <p className={`${styles.cut} warning`}>
            Only the first {tree.entries.length.toLocaleString('en')} are listed.
          </p>
        )}
        {rows.length === 0 ? (
          <EmptyState title={filter === '' ? 'This file system is empty' : 'No path has these letters'} />
        ) : (
          <TreeGrid
            rows={rows}
            totalBytes={root.storedBytes}
            selected={selected}
            onSelect={select}
            onToggle={toggle}
            onOpen={(node) => void studio.images.read(node.path)}
          />
        )}
      </div>
      <div className={styles.side}>
        <div className={styles.bar}>
          <Segments
            label="Beside the tree"
            active={tab}
            onSelect={setTab}
            items={[
              { id: 'map', label: 'What takes the space' },
              { id: 'about', label: 'About the image' },
            ]}
          />
        </div>
        {tab === 'map' ? (
          <>
            {zoomed !== root && <MapCrumbs node={zoomed} onZoom={zoom} />}
            <ImageMap root={zoomed} selected={selected} onSelect={select} onZoom={zoom} />
            <FileView node={selected} shown={shown} onZoom={zoom} />
          </>
        ) : (
          <ImageAbout info={info} />
        )}
      </div>
    </div>
  );
}

const count = (value: number, noun: string) => `${value.toLocaleString('en')} ${noun}${value === 1 ? '' : 's'}`;
