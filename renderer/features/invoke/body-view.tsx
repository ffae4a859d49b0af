import { useMemo, useState } from 'react';
import type { Body } from '#shared/model/run.ts';
import { Button } from '../../ui/button.tsx';
import { formatBytes } from '../../ui/format.ts';
import { hexTable } from '../../ui/hex.ts';
import { joinClasses } from '../../ui/join-classes.ts';
import { JsonText } from '../../ui/json-view.tsx';
import styles from './body-view.module.css';

/** A longer coloured text would block the window; the rest is shown on request, without colours. */
const shownCharacters = 100_000;

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
      <pre
        data-part="body"
        className={joinClasses(styles.body, 'mono', 'selectable', body.kind === 'bytes' && styles.bytes)}
      >
        {body.kind === 'json' && !long ? <JsonText text={text} /> : whole ? text : text.slice(0, shownCharacters)}
      </pre>
      {long && !whole && (
        <p className={styles.more}>
          <span className="muted">The first {formatBytes(shownCharacters)} are shown.</span>
          <Button kind="quiet" onClick={() => setWhole(true)}>
            Show all
          </Button>
        </p>
      )}
    </>
  );
}

/** A hex table of bytes, and the size of the omitted rest of a long body. */
export function hexDump(base64: string): string {
  const { text, leftBytes } = hexTable(base64);
  return leftBytes === 0 ? text : `${text}\n… ${leftBytes} bytes more: save the body as a file to see them`;
}
