import { useMemo, useState } from 'react';
import type { Body } from '#shared/model/run.ts';
import { Button } from '../../ui/button.tsx';
import { formatBytes } from '../../ui/format.ts';
import { JsonText } from '../../ui/json-view.tsx';

/** More than this as coloured text would hold the window up; the rest comes on request, plain. */
const shownCharacters = 100_000;
/** As many as fit the panel at its usual width. */
const rowBytes = 8;
const shownRows = 1_024;

/** A body as text: JSON indented, bytes in base64. */
export function bodyText(body: Body): string {
  if (body.kind === 'json') return JSON.stringify(body.value, null, 2);
  return body.kind === 'text' ? body.value : body.base64;
}

/** A body for reading: JSON coloured, text as it is, bytes as a hex table. */
export function BodyView({ body }: { readonly body: Body }) {
  const [whole, setWhole] = useState(false);
  const text = useMemo(() => (body.kind === 'bytes' ? hexDump(body.base64) : bodyText(body)), [body]);
  const long = text.length > shownCharacters;
  return (
    <>
      <pre className={`body mono selectable${body.kind === 'bytes' ? ' body-bytes' : ''}`}>
        {body.kind === 'json' && !long ? <JsonText text={text} /> : whole ? text : text.slice(0, shownCharacters)}
      </pre>
      {long && !whole && (
        <p className="body-more">
          <span className="muted">The first {formatBytes(shownCharacters)} are shown.</span>
          <Button kind="quiet" onClick={() => setWhole(true)}>
            Show all
          </Button>
        </p>
      )}
    </>
  );
}

/** Offset, eight bytes in hex, and what of them is printable, per row. */
export function hexDump(base64: string): string {
  const binary = atob(base64);
  const rows: string[] = [];
  const total = Math.ceil(binary.length / rowBytes);
  for (let row = 0; row < Math.min(total, shownRows); row++) {
    const chunk = binary.slice(row * rowBytes, (row + 1) * rowBytes);
    const hex = [...chunk].map((char) => char.charCodeAt(0).toString(16).padStart(2, '0')).join(' ');
    const text = [...chunk].map((char) => (char >= ' ' && char <= '~' ? char : '.')).join('');
    rows.push(`${(row * rowBytes).toString(16).padStart(6, '0')}  ${hex.padEnd(rowBytes * 3 - 1)}  ${text}`);
  }
  if (total > shownRows)
    rows.push(`… ${(total - shownRows) * rowBytes} bytes more: save the body as a file to see them`);
  return rows.join('\n');
}
