import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { type FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { useStudio } from '../../bind/studio.tsx';
import type { DeployedRef } from '../../state/deployments.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { ErrorState } from '../../ui/states.tsx';
import { appendLog, noLog } from './log-text.ts';
import styles from './log-view.module.css';

/** The live output of a function's pods. */
export function LogView({ of: { target, name } }: { readonly of: DeployedRef }) {
  const { client } = useStudio();
  const [log, setLog] = useState(noLog);
  const [error, setError] = useState<FirstlightError | null>(null);
  const [attempt, setAttempt] = useState(0);
  const box = useRef<HTMLPreElement>(null);
  const follows = useRef(true);
  useEffect(() => {
    setLog(noLog);
    setError(null);
    const decoder = new TextDecoder();
    const stream = client.openStream('deploy:logs', { target, name, follow: attempt >= 0, tailLines: 500 }, (chunk) => {
      const text = decoder.decode(chunk, { stream: true });
      setLog((before) => appendLog(before, text));
    });
    stream.ended.catch((thrown) => setError(toFirstlightError(thrown)));
    return () => stream.close();
  }, [client, target, name, attempt]);
  useLayoutEffect(() => {
    if (follows.current && log !== noLog) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [log]);
  return (
    <section className={styles.log} aria-label="Log">
      <header className={styles.head}>
        <h2>Log</h2>
        {log.leftOut > 0 && <span className="muted">{log.leftOut} earlier lines are not shown</span>}
        <IconButton
          icon="copy"
          label="Copy what is shown"
          disabled={log.text === ''}
          onClick={() => void navigator.clipboard.writeText(log.text)}
        />
      </header>
      {error !== null && (
        <ErrorState
          compact
          error={error}
          actions={<Button onClick={() => setAttempt(attempt + 1)}>Follow it again</Button>}
        />
      )}
      <pre
        ref={box}
        className={`${styles.text} mono selectable scroll`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls is reached by the keyboard too.
        tabIndex={0}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          follows.current = scrollHeight - scrollTop - clientHeight < 8;
        }}
      >
        {log.text === '' ? <span className="muted">Nothing was printed yet</span> : log.text}
      </pre>
    </section>
  );
}
