import { useEffect, useRef, useState } from 'react';
import type { Tokens } from '../../ui/instrument-theme.ts';
import styles from './timeline.module.css';
import { timelineKeys } from './timeline-keys.ts';
import type { TimelineModel } from './timeline-model.ts';
import { timelineToSvg } from './timeline-svg.ts';
import { timelineToJson, timelineToText } from './timeline-text.ts';

/** The time for which "Copied" is shown. */
const noticeMs = 1600;

/** Zoom, fit, table, and the exports of the timeline. */
export function TimelineToolbar(props: {
  readonly model: TimelineModel;
  readonly tokens: Tokens;
  readonly asTable: boolean;
  readonly onTable: () => void;
  readonly onFit: () => void;
  readonly onZoom: (factor: number) => void;
}) {
  const { model, tokens, asTable, onTable, onFit, onZoom } = props;
  const keys = timelineKeys.map(([key, what]) => `${key}  ${what}`).join('\n');
  return (
    <div className={styles.tools} role="toolbar" aria-label="Timeline">
      <button type="button" onClick={() => onZoom(0.6)} title="Zoom in (+)" aria-label="Zoom in" disabled={asTable}>
        +
      </button>
      <button
        type="button"
        onClick={() => onZoom(1 / 0.6)}
        title="Zoom out (−)"
        aria-label="Zoom out"
        disabled={asTable}
      >
        −
      </button>
      <button
        type="button"
        onClick={onFit}
        title={`Fit (F or double click)\n\nKeys in the timeline:\n${keys}`}
        disabled={asTable}
      >
        Fit
      </button>
      <button type="button" onClick={onTable} aria-pressed={asTable} title="Show as a table (T)">
        Table
      </button>
      <ShareMenu model={model} tokens={tokens} />
    </div>
  );
}

function ShareMenu({ model, tokens }: { readonly model: TimelineModel; readonly tokens: Tokens }) {
  const [open, setOpen] = useState(false);
  const [notice, setNotice] = useState<string | null>(null);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (notice === null) return;
    const timer = setTimeout(() => setNotice(null), noticeMs);
    return () => clearTimeout(timer);
  }, [notice]);
  useEffect(() => {
    if (!open) return;
    root.current?.querySelector<HTMLButtonElement>('[role=menuitem]')?.focus();
    const close = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', close);
    return () => document.removeEventListener('pointerdown', close);
  }, [open]);

  const copy = (text: string) => {
    navigator.clipboard.writeText(text).then(
      () => setNotice('Copied'),
      () => setNotice('The browser refused the clipboard'),
    );
  };
  const items: readonly (readonly [string, () => void])[] = [
    ['Copy as text', () => copy(timelineToText(model))],
    ['Copy as JSON', () => copy(timelineToJson(model))],
    [
      'Save as SVG',
      () => save(new Blob([timelineToSvg(model, tokens.get)], { type: 'image/svg+xml' }), 'cold-start.svg'),
    ],
    [
      'Save as PNG',
      () => {
        toPng(timelineToSvg(model, tokens.get)).then(
          (png) => save(png, 'cold-start.png'),
          () => setNotice('The browser could not draw the picture'),
        );
      },
    ],
  ];
  const move = (step: number) => {
    const entries = [...(root.current?.querySelectorAll<HTMLButtonElement>('[role=menuitem]') ?? [])];
    const at = entries.indexOf(document.activeElement as HTMLButtonElement);
    entries[(at + step + entries.length) % entries.length]?.focus();
  };
  return (
    <div className={styles.share} ref={root}>
      <button
        type="button"
        aria-haspopup="menu"
        aria-expanded={open}
        disabled={model.timeline === null}
        onClick={() => setOpen(!open)}
      >
        {notice ?? 'Share ▾'}
      </button>
      {open && (
        <div
          role="menu"
          tabIndex={-1}
          onKeyDown={(event) => {
            if (event.key === 'ArrowDown') move(1);
            else if (event.key === 'ArrowUp') move(-1);
            else if (event.key === 'Escape') setOpen(false);
            else return;
            event.preventDefault();
            event.stopPropagation();
          }}
        >
          {items.map(([label, act]) => (
            <button
              key={label}
              type="button"
              role="menuitem"
              onClick={() => {
                setOpen(false);
                act();
              }}
            >
              {label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has its own reference to the data by the next turn.
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}

/** A PNG at twice the size, for sharp text in a chat or a slide. */
async function toPng(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth * 2;
  canvas.height = image.naturalHeight * 2;
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob === null ? reject(new Error('no picture')) : resolve(blob)), 'image/png');
  });
}
