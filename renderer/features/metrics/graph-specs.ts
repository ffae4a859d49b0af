import { formatByteRate, formatBytes, formatPercent } from '../../ui/instrument-format.ts';
import { lastKnown, type RateColumns } from './rate-columns.ts';

/** One line of a graph; the second of a graph is dashed, so that the two are distinguished without colour. */
export interface LineSpec {
  readonly label: string;
  readonly column: Exclude<keyof RateColumns, 'atSeconds'>;
  readonly dashed: boolean;
}

/** One graph: its lines and the format of its values. */
export interface GraphSpec {
  readonly id: 'cpu' | 'memory' | 'heap' | 'disk' | 'net';
  readonly title: string;
  /** The quantity of the numbers, in words. */
  readonly of: string;
  readonly lines: readonly LineSpec[];
  readonly format: (value: number) => string;
  /** The least top of the scale, so that a near-idle line does not look busy. */
  readonly leastTop: number;
  /** Base of the axis steps: sizes step by powers of two. */
  readonly base: 2 | 10;
}

const graphSpecs: readonly GraphSpec[] = [
  {
    id: 'cpu',
    title: 'CPU',
    of: 'of one vCPU',
    lines: [{ label: 'cpu', column: 'cpu', dashed: false }],
    format: formatPercent,
    leastTop: 1,
    base: 10,
  },
  {
    id: 'memory',
    title: 'Memory',
    of: 'resident in the VMM',
    lines: [{ label: 'memory', column: 'memory', dashed: false }],
    format: formatBytes,
    leastTop: 16 * 1024 ** 2,
    base: 2,
  },
  {
    id: 'heap',
    title: 'Heap',
    of: 'of the function',
    lines: [
      { label: 'used', column: 'heapUsed', dashed: false },
      { label: 'claimed', column: 'heapClaimed', dashed: true },
    ],
    format: formatBytes,
    leastTop: 1024 ** 2,
    base: 2,
  },
  {
    id: 'disk',
    title: 'Disk',
    of: 'per second',
    lines: [
      { label: 'read', column: 'diskRead', dashed: false },
      { label: 'write', column: 'diskWrite', dashed: true },
    ],
    format: formatByteRate,
    leastTop: 64 * 1024,
    base: 2,
  },
  {
    id: 'net',
    title: 'Network',
    of: 'per second',
    lines: [
      { label: 'in', column: 'netReceive', dashed: false },
      { label: 'out', column: 'netTransmit', dashed: true },
    ],
    format: formatByteRate,
    leastTop: 64 * 1024,
    base: 2,
  },
];

/** The graphs that there is something to show in: not every guest reports a heap. */
export const shownSpecs = (columns: RateColumns): readonly GraphSpec[] =>
  graphSpecs.filter(({ id }) => id !== 'heap' || !Number.isNaN(lastKnown(columns.heapUsed)));

/** The top of a scale that contains `most` and can be halved into readable steps. */
export function scaleTop(most: number, leastTop: number, base: 2 | 10): number {
  if (!(most > leastTop)) return leastTop;
  const power = base ** Math.floor(Math.log(most) / Math.log(base));
  const factors = base === 2 ? [1, 1.5, 2] : [1, 2, 4, 6, 8, 10];
  return power * (factors.find((factor) => factor * power >= most) ?? base);
}

/** The graphs of what a cluster or a host measures of a replica. */
export const usageSpecs: readonly GraphSpec[] = graphSpecs
  .filter(({ id }) => id === 'cpu' || id === 'memory')
  .map((spec) => ({ ...spec, of: spec.id === 'cpu' ? 'of one processor' : 'of the replica' }));
