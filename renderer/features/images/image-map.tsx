import { Fragment, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { formatBytes } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { joinClasses } from '../../ui/join-classes.ts';
import styles from './image-map.module.css';
import type { ImageNode } from './image-tree.ts';
import { formatShare } from './tree-grid.tsx';
import { layoutMap, type MapTile } from './treemap.ts';

/** The least size of a tile with text. Units: px. */
const leastLabel = { width: 40, height: 15 };

export interface ImageMapProps {
  readonly root: ImageNode;
  readonly selected: ImageNode | null;
  readonly onSelect: (node: ImageNode) => void;
  /** Shows a folder alone. */
  readonly onZoom: (node: ImageNode) => void;
}

/** The use of space as a map: areas are proportional to sizes. The tree has the same data for a screen reader. */
export function ImageMap({ root, selected, onSelect, onZoom }: ImageMapProps) {
  const host = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = host.current;
    if (element === null) return;
    const read = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    const observer = new ResizeObserver(read);
    observer.observe(element);
    read();
    return () => observer.disconnect();
  }, []);
  const tiles = useMemo(() => layoutMap(root, size.width, size.height), [root, size]);
  return (
    <div ref={host} className={styles.map} data-part="map" aria-hidden="true">
      {tiles.map((tile) => (
        <Tile
          key={tile.node.path}
          tile={tile}
          share={root.storedBytes === 0 ? 0 : tile.node.storedBytes / root.storedBytes}
          isSelected={tile.node === selected}
          onSelect={onSelect}
          onZoom={onZoom}
        />
      ))}
    </div>
  );
}

interface TileProps {
  readonly tile: MapTile;
  readonly share: number;
  readonly isSelected: boolean;
  readonly onSelect: (node: ImageNode) => void;
  readonly onZoom: (node: ImageNode) => void;
}

function Tile({ tile, share, isSelected, onSelect, onZoom }: TileProps) {
  const { node, framed } = tile;
  const hasLabel = tile.width >= leastLabel.width && tile.height >= leastLabel.height;
  return (
    <button
      type="button"
      tabIndex={-1}
      aria-label={node.path}
      className={joinClasses(styles.tile, framed && styles.tileFrame, isSelected && styles.tileSelected)}
      data-weight={framed ? undefined : weightOf(share)}
      data-tip={`${node.path}\n${formatBytes(node.storedBytes)}, ${formatShare(share)}`}
      style={{ left: tile.x, top: tile.y, width: tile.width, height: tile.height }}
      onClick={() => onSelect(node)}
      onDoubleClick={() => onZoom(node)}
    >
      {hasLabel && (
        <span className={styles.tileLabel}>
          <span className="ellipsis">{node.name}</span>
          {tile.height >= 32 && !framed && <span className={styles.tileBytes}>{formatBytes(node.storedBytes)}</span>}
        </span>
      )}
    </button>
  );
}

/** The strength of a tile's fill: the biggest tiles have the strongest. */
const weightOf = (share: number) => (share >= 0.2 ? 3 : share >= 0.05 ? 2 : share >= 0.01 ? 1 : 0);

/** The path from the whole image to the folder that the map shows. */
export function MapCrumbs({ node, onZoom }: { readonly node: ImageNode; readonly onZoom: (node: ImageNode) => void }) {
  const way: ImageNode[] = [];
  for (let above: ImageNode | null = node; above !== null; above = above.parent) way.unshift(above);
  return (
    <nav className={styles.crumbs} aria-label="Folder that the map shows">
      {way.map((step, index) => (
        <Fragment key={step.path}>
          {index > 0 && <Icon name="right" size={12} />}
          <button
            type="button"
            className={styles.crumb}
            aria-current={step === node ? 'location' : undefined}
            onClick={() => onZoom(step)}
          >
            {index === 0 ? 'All files' : step.name}
          </button>
        </Fragment>
      ))}
    </nav>
  );
}
