import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { type Tokens, withAlpha } from '../../ui/instrument-theme.ts';
import { type GraphSpec, scaleTop } from './graph-specs.ts';
import type { RateColumns } from './rate-columns.ts';
import styles from './resource-graphs.module.css';

/** One uPlot graph, its cursor tied to the others of the same `syncKey`. Shape: `onHover` gets a sample's index or null. */
export function GraphPlot(props: {
  readonly spec: GraphSpec;
  readonly columns: RateColumns;
  readonly windowSeconds: number;
  readonly tokens: Tokens;
  readonly syncKey: string;
  readonly onHover: (index: number | null) => void;
}) {
  const { spec, columns, windowSeconds, tokens, syncKey, onHover } = props;
  const root = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const hover = useRef(onHover);
  const data = useRef(toData(spec, columns));
  const span = useRef(windowSeconds);
  useEffect(() => {
    hover.current = onHover;
  }, [onHover]);

  useEffect(() => {
    const target = root.current;
    if (target === null) return;
    const size = () => ({ width: Math.max(80, target.clientWidth), height: Math.max(40, target.clientHeight) });
    const made = new uPlot(
      {
        ...options(
          spec,
          tokens,
          syncKey,
          () => span.current,
          (index) => hover.current(index),
        ),
        ...size(),
      },
      data.current,
      target,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize(size()));
    observer.observe(target);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [spec, tokens, syncKey]);

  useEffect(() => {
    span.current = windowSeconds;
    data.current = toData(spec, columns);
    plot.current?.setData(data.current);
  }, [spec, columns, windowSeconds]);

  return <div className={styles.plot} ref={root} aria-hidden="true" />;
}

function toData(spec: GraphSpec, columns: RateColumns): uPlot.AlignedData {
  // uPlot draws a gap at null and would join over NaN.
  const gaps = (values: Float64Array) => Array.from(values, (value) => (Number.isNaN(value) ? null : value));
  return [Array.from(columns.atSeconds), ...spec.lines.map((line) => gaps(columns[line.column]))];
}

function options(
  spec: GraphSpec,
  tokens: Tokens,
  syncKey: string,
  windowSeconds: () => number,
  onHover: (index: number | null) => void,
): Omit<uPlot.Options, 'width' | 'height'> {
  const ink = tokens.get('--fg-muted');
  const grid = { stroke: withAlpha(tokens.get('--border'), 0.8), width: 1 };
  const font = `10px ${tokens.get('--font-mono')}`;
  const stepped = uPlot.paths.stepped?.({ align: -1 });
  return {
    legend: { show: false },
    padding: [8, 16, 0, 0],
    cursor: {
      sync: { key: syncKey, setSeries: false },
      drag: { x: false, y: false },
      points: { size: 6 },
      y: false,
    },
    scales: {
      x: { time: false, range: (_, __, max) => [(max ?? 0) - windowSeconds(), max ?? 0] },
      y: { range: (_, __, max) => [0, scaleTop(max ?? 0, spec.leastTop, spec.base)] },
    },
    axes: [
      {
        stroke: ink,
        font,
        grid,
        ticks: { show: false },
        size: 16,
        gap: 2,
        space: 60,
        // The leftmost label would overlap the other axis.
        values: (self, splits) => splits.map((at, i) => (i === 0 ? '' : agoText(at - (self.scales.x?.max ?? 0)))),
        splits: (self) => agoSplits(self.scales.x?.max ?? 0, windowSeconds()),
      },
      {
        stroke: ink,
        font,
        grid,
        ticks: { show: false },
        size: 66,
        gap: 4,
        splits: (self) => {
          const top = self.scales.y?.max ?? 1;
          return [0, top / 2, top];
        },
        values: (_, splits) => splits.map((value) => spec.format(value).replace(/\.0+(?=\D)/, '')),
      },
    ],
    series: [
      {},
      ...spec.lines.map((line): uPlot.Series => {
        const colour = line.dashed ? tokens.get('--fg-muted') : tokens.get('--accent');
        return {
          label: line.label,
          stroke: colour,
          width: 1.25,
          ...(line.dashed ? { dash: [3, 3] } : { fill: withAlpha(colour, 0.14) }),
          // A rate is the mean over its stretch; memory is a reading that is valid until the next one.
          ...(stepped === undefined || spec.id === 'memory' || spec.id === 'heap' ? {} : { paths: stepped }),
          points: { show: false },
        };
      }),
    ],
    hooks: { setCursor: [(self) => onHover(self.cursor.idx ?? null)] },
  };
}

function agoSplits(maxSeconds: number, windowSeconds: number): number[] {
  const step = [1, 5, 10, 15, 30, 60, 120, 300, 600].find((seconds) => windowSeconds / seconds <= 3) ?? 1800;
  const splits: number[] = [];
  for (let back = 0; back <= windowSeconds; back += step) splits.unshift(maxSeconds - back);
  return splits;
}

function agoText(seconds: number): string {
  const whole = Math.round(-seconds);
  if (whole === 0) return 'now';
  return whole % 60 === 0 ? `−${whole / 60} min` : `−${whole} s`;
}
