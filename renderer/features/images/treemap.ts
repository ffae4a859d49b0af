import type { ImageNode } from './image-tree.ts';

/** A rectangle of the map. Units: px. */
export interface MapTile {
  readonly node: ImageNode;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** True when it is drawn as a frame around its content. */
  readonly framed: boolean;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A frame's heading. Units: px. */
export const frameHead = 16;
/** The gap between tiles, and around the content of a frame. Units: px. */
const gap = 1;
/** Smaller tiles cannot be distinguished, or pointed at. Units: px² and px. */
const leastArea = 30;
const leastFrame = { width: 48, height: 36 };
const maxDepth = 4;

/**
 * Tiles with areas proportional to sizes, as square as possible, biggest first from the upper left.
 *
 * Source: the squarified layout of M. Bruls, K. Huizing and J. van Wijk (2000).
 */
export function layoutMap(root: ImageNode, width: number, height: number): readonly MapTile[] {
  const tiles: MapTile[] = [];
  const fill = (node: ImageNode, box: Box, depth: number) => {
    const children = node.children.filter((child) => child.storedBytes > 0);
    for (const { node: child, box: place } of squarify(children, box)) {
      if (place.width * place.height < leastArea) continue;
      const framed =
        child.kind === 'directory' &&
        depth < maxDepth &&
        place.width >= leastFrame.width &&
        place.height >= leastFrame.height;
      tiles.push({ node: child, ...place, depth, framed });
      if (!framed) continue;
      fill(
        child,
        {
          x: place.x + 2,
          y: place.y + frameHead,
          width: place.width - 4,
          height: place.height - frameHead - 2,
        },
        depth + 1,
      );
    }
  };
  fill(root, { x: 0, y: 0, width, height }, 1);
  return tiles;
}

interface Placed {
  readonly node: ImageNode;
  readonly box: Box;
}

/** Rows along the shorter side, each taking nodes as long as that makes its tiles squarer. Shape: nodes come biggest first. */
function squarify(nodes: readonly ImageNode[], box: Box): readonly Placed[] {
  const placed: Placed[] = [];
  let rest = box;
  let left = nodes.reduce((sum, node) => sum + node.storedBytes, 0);
  for (let start = 0; start < nodes.length && rest.width > 0 && rest.height > 0; ) {
    const perByte = (rest.width * rest.height) / left;
    const side = Math.min(rest.width, rest.height);
    let end = start + 1;
    let bytes = nodes[start]?.storedBytes ?? 0;
    let worst = ratioOf(nodes, start, end, bytes, side, perByte);
    while (end < nodes.length) {
      const more = bytes + (nodes[end]?.storedBytes ?? 0);
      const next = ratioOf(nodes, start, end + 1, more, side, perByte);
      if (next > worst) break;
      worst = next;
      bytes = more;
      end++;
    }
    rest = placeRow(nodes.slice(start, end), bytes, rest, left, placed);
    left -= bytes;
    start = end;
  }
  return placed;
}

/** The worst aspect ratio of a row's tiles: 1 is a square. */
function ratioOf(
  nodes: readonly ImageNode[],
  start: number,
  end: number,
  bytes: number,
  side: number,
  perByte: number,
): number {
  const thickness = (bytes * perByte) / side;
  const ratio = (node: ImageNode | undefined) => {
    const length = ((node?.storedBytes ?? 0) * perByte) / thickness;
    return Math.max(length / thickness, thickness / length);
  };
  return Math.max(ratio(nodes[start]), ratio(nodes[end - 1]));
}

/** Lays a row along the shorter side of a box. Returns the rest of the box. */
function placeRow(row: readonly ImageNode[], bytes: number, box: Box, left: number, placed: Placed[]): Box {
  const share = bytes / left;
  const isUpright = box.width >= box.height;
  const thickness = (isUpright ? box.width : box.height) * share;
  let along = 0;
  for (const node of row) {
    const length = ((isUpright ? box.height : box.width) * node.storedBytes) / bytes;
    const tile = isUpright
      ? { x: box.x, y: box.y + along, width: thickness - gap, height: length - gap }
      : { x: box.x + along, y: box.y, width: length - gap, height: thickness - gap };
    placed.push({ node, box: { ...tile, width: Math.max(0, tile.width), height: Math.max(0, tile.height) } });
    along += length;
  }
  return isUpright
    ? { ...box, x: box.x + thickness, width: box.width - thickness }
    : { ...box, y: box.y + thickness, height: box.height - thickness };
}
