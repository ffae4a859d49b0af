import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from 'react';
import { formatBytes } from '../../ui/instrument-format.ts';
import { useTokens } from '../../ui/instrument-theme.ts';
import type { AttachmentState } from './attachment.ts';
import styles from './console.module.css';
import type { ConsoleSource } from './console-source.ts';
import { plainText } from './kept-log.ts';
import { scrollbackLines } from './make-terminal.ts';
import { SearchBar } from './search-bar.tsx';
import { type ConsoleStatus, copyText, type LiveConsole, useConsole } from './use-console.ts';
import '@xterm/xterm/css/xterm.css';

const usualFontSize = 12;
/** The time for which "Copied" is shown. */
const noticeMs = 1600;

/** The live serial console of an instance: attach, search, copy, pause, save, reconnect. */
export function ConsoleView(props: {
  readonly source: ConsoleSource;
  readonly title: string;
  readonly theme: 'light' | 'dark';
  /** Units: px. */
  readonly fontSize?: number;
}) {
  const { source, title, theme, fontSize = usualFontSize } = props;
  const tokens = useTokens(theme);
  const root = useRef<HTMLDivElement>(null);
  const [isPaused, setPaused] = useState(false);
  const [hasTimes, setTimes] = useState(false);
  const [isSearching, setSearching] = useState(false);
  const [notice, setNotice] = useState<string | null>(null);
  const onSearch = useCallback(() => setSearching(true), []);
  const { live, status } = useConsole(root, source, tokens, { isPaused, hasTimes, fontSize, onSearch });
  useEffect(() => {
    if (notice === null) return;
    const timer = setTimeout(() => setNotice(null), noticeMs);
    return () => clearTimeout(timer);
  }, [notice]);

  const togglePause = () => {
    if (isPaused) live?.guarded.terminal.scrollToBottom();
    setPaused(!isPaused);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!event.ctrlKey || (event.key !== 'f' && event.key !== 'F')) return;
    event.preventDefault();
    event.stopPropagation();
    setSearching(true);
  };

  return (
    <section className={styles.console} aria-label={`Console of ${title}`} onKeyDown={onKeyDown}>
      <div className={styles.bar}>
        <span className={styles.dot} data-state={status.state.kind} aria-hidden="true" />
        <StatusLine status={status} isPaused={isPaused} />
        <span className={styles.notice} aria-live="polite">
          {notice}
        </span>
        <div className={styles.tools} role="toolbar" aria-label="Console">
          <button
            type="button"
            aria-pressed={isSearching}
            title="Find (Ctrl+F)"
            onClick={() => setSearching(!isSearching)}
          >
            Find
          </button>
          <button
            type="button"
            aria-pressed={hasTimes}
            title="Show before each line when it came to this window"
            onClick={() => setTimes(!hasTimes)}
          >
            Times
          </button>
          <button
            type="button"
            title="Copy the selection (Ctrl+Shift+C), or everything when nothing is selected"
            onClick={() => live && copySelectionOrAll(live, setNotice)}
          >
            Copy
          </button>
          <button
            type="button"
            title="Save all of the log, as it came from the guest"
            onClick={() => live && void saveLog(live, source, title, setNotice)}
          >
            Save
          </button>
          <button
            type="button"
            aria-pressed={isPaused}
            title="Hold the view still; the guest goes on and nothing is lost"
            onClick={togglePause}
          >
            {isPaused ? 'Follow' : 'Pause'}
          </button>
          <button
            type="button"
            title="Clear the view; the saved log keeps everything"
            onClick={() => live?.guarded.terminal.clear()}
          >
            Clear
          </button>
          <button type="button" title="Attach again" onClick={() => live?.attachment.reconnect()}>
            Reconnect
          </button>
        </div>
      </div>
      <div className={styles.screen}>
        <div className={styles.terminal} ref={root} />
        {isSearching && live !== null && (
          <SearchBar guarded={live.guarded} tokens={tokens} onClose={() => setSearching(false)} />
        )}
      </div>
    </section>
  );
}

function StatusLine({ status, isPaused }: { readonly status: ConsoleStatus; readonly isPaused: boolean }) {
  const parts = [formatBytes(status.receivedBytes)];
  if (isPaused) parts.push('view paused');
  if (status.isScrollbackFull) parts.push(`last ${scrollbackLines.toLocaleString('en-US')} lines; Save has more`);
  return (
    <p className={styles.status} role="status">
      <span data-testid="console-state">{stateText(status.state)}</span>
      <span data-testid="console-facts">{parts.join(', ')}</span>
    </p>
  );
}

function stateText(state: AttachmentState): string {
  switch (state.kind) {
    case 'attached':
      return 'attached';
    case 'ended':
      return 'ended';
    case 'lost': {
      const next =
        state.retryInMs === null ? 'reconnect to try again' : `trying again in ${state.retryInMs / 1000}\u00a0s`;
      return `lost: ${state.reason} (${next})`;
    }
  }
}

function copySelectionOrAll({ guarded: { terminal }, log }: LiveConsole, say: (notice: string) => void): void {
  const selected = terminal.getSelection();
  const text = selected === '' ? plainText(log) : selected;
  const isCut = log.keptBytes() < log.totalBytes();
  void copyText(text).then((done) => {
    if (!done) say('The browser refused the clipboard');
    else if (selected !== '') say('Copied the selection');
    else say(isCut ? 'Copied the last 16 MiB' : 'Copied everything');
  });
}

/** Saves the whole output. The run's record has all of it, also what this window did not get or keep. */
async function saveLog(
  { log }: LiveConsole,
  source: ConsoleSource,
  title: string,
  say: (notice: string) => void,
): Promise<void> {
  let chunks = log.chunks();
  try {
    const recorded = (await source.readAll?.()) ?? [];
    if (byteCount(recorded) > byteCount(chunks)) chunks = recorded;
  } catch (thrown) {
    if (log.keptBytes() < log.totalBytes())
      say(`Saved the last 16 MiB only: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([...chunks] as BlobPart[], { type: 'application/octet-stream' }));
  link.download = `${title.replace(/[^A-Za-z0-9._-]+/g, '-')}.log`;
  link.click();
  // The download has its own reference to the data by the next turn.
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}

const byteCount = (chunks: readonly Uint8Array[]) => chunks.reduce((total, { length }) => total + length, 0);
