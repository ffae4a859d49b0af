import { type RefObject, useEffect, useRef, useState } from 'react';
import type { Tokens } from '../../ui/instrument-theme.ts';
import { type Attachment, type AttachmentState, attach } from './attachment.ts';
import type { ConsoleSource } from './console-source.ts';
import { followOutput } from './follow-output.ts';
import { createKeptLog, type KeptLog } from './kept-log.ts';
import { createLineStarts } from './line-starts.ts';
import { type GuardedTerminal, makeTerminal, scrollbackLines, terminalTheme } from './make-terminal.ts';
import { routeKey } from './terminal-keys.ts';
import { offerLinks } from './web-links.ts';

/** The bytes kept for saving: more than the scrollback, and little compared to the memory of a browser page. */
const keptBytes = 16 * 1024 * 1024;
/** The least time between updates: numbers that change faster cannot be read. */
const statusEveryMs = 200;

/** The content of the console's bar. */
export interface ConsoleStatus {
  readonly state: AttachmentState;
  readonly receivedBytes: number;
  /** True once lines were dropped from the scrollback. */
  readonly isScrollbackFull: boolean;
  readonly isLogCut: boolean;
}

/** A live console: the terminal, its attachment and its log. */
export interface LiveConsole {
  readonly guarded: GuardedTerminal;
  readonly attachment: Attachment;
  readonly log: KeptLog;
}

const initialStatus: ConsoleStatus = {
  state: { kind: 'attached' },
  receivedBytes: 0,
  isScrollbackFull: false,
  isLogCut: false,
};

export interface ConsoleOptions {
  readonly isPaused: boolean;
  /** Starts each line with the time at which it arrived at this window. */
  readonly hasTimes: boolean;
  /** Units: px. */
  readonly fontSize: number;
  readonly onSearch: () => void;
}

/** Keeps a terminal in `element`, attached to `source`. Shape: null before the first effect ran. */
export function useConsole(
  element: RefObject<HTMLElement | null>,
  source: ConsoleSource,
  tokens: Tokens,
  { isPaused, hasTimes, fontSize, onSearch }: ConsoleOptions,
): { readonly live: LiveConsole | null; readonly status: ConsoleStatus } {
  const [live, setLive] = useState<LiveConsole | null>(null);
  const [status, setStatus] = useState<ConsoleStatus>(initialStatus);
  const latest = useRef({
    isPaused,
    onSearch,
    tokens,
    hasTimes: false,
    lines: createLineStarts({ hasTimes: false }),
  });
  useEffect(() => {
    latest.current = { ...latest.current, isPaused, onSearch, tokens };
  }, [isPaused, onSearch, tokens]);

  useEffect(() => {
    const root = element.current;
    if (root === null) return;
    const guarded = makeTerminal(latest.current.tokens);
    const { terminal, fit } = guarded;
    terminal.open(root);
    offerLinks(terminal, (url) => window.open(url, '_blank', 'noopener'));
    fit.fit();
    const stopFollowing = followOutput(terminal, root, () => latest.current.isPaused);
    const log = createKeptLog(keptBytes);
    let state: AttachmentState = { kind: 'attached' };
    let timer: ReturnType<typeof setTimeout> | null = null;
    const report = () => {
      timer = null;
      setStatus({
        state,
        receivedBytes: log.totalBytes(),
        isScrollbackFull: terminal.buffer.normal.length >= terminal.rows + scrollbackLines,
        isLogCut: log.keptBytes() < log.totalBytes(),
      });
    };
    const reportSoon = () => {
      timer ??= setTimeout(report, statusEveryMs);
    };

    const attachment = attach(source, {
      onRestart: () => {
        terminal.reset();
        log.clear();
        latest.current.lines = createLineStarts(latest.current);
      },
      onChunk: (bytes) => {
        const atMs = Date.now();
        log.add(bytes, atMs);
        reportSoon();
        const shown = latest.current.lines.push(bytes, atMs);
        return new Promise((resolve) => writeHeld(terminal, shown, latest.current.isPaused, resolve));
      },
      onState: (next) => {
        state = next;
        if (timer !== null) clearTimeout(timer);
        report();
      },
      later: (act, delayMs) => {
        const handle = setTimeout(act, delayMs);
        return () => clearTimeout(handle);
      },
      nowMs: () => performance.now(),
    });

    const encoder = new TextEncoder();
    terminal.onData((text) => attachment.write(encoder.encode(text)));
    terminal.attachCustomKeyEventHandler((event) => handleKey(event, terminal, () => latest.current.onSearch()));
    const observer = new ResizeObserver(() => {
      // A hidden tab has no size; fitting to it would rewrap everything to one column.
      if (root.clientWidth > 0 && root.clientHeight > 0) fit.fit();
    });
    observer.observe(root);
    setLive({ guarded, attachment, log });
    return () => {
      observer.disconnect();
      if (timer !== null) clearTimeout(timer);
      attachment.dispose();
      stopFollowing();
      terminal.dispose();
      setLive(null);
    };
  }, [element, source]);

  useEffect(() => {
    if (live === null || live.guarded.terminal.options.fontSize === fontSize) return;
    live.guarded.terminal.options.fontSize = fontSize;
    // As above: a hidden element has no size.
    if (element.current !== null && element.current.clientWidth > 0) live.guarded.fit.fit();
  }, [live, fontSize, element]);

  useEffect(() => {
    if (live === null || latest.current.hasTimes === hasTimes) return;
    // The kept output is written again, with or without times; the scrollback keeps its end.
    const { terminal } = live.guarded;
    latest.current = { ...latest.current, hasTimes, lines: createLineStarts({ hasTimes }) };
    terminal.reset();
    const times = live.log.times();
    for (const [index, chunk] of live.log.chunks().entries())
      terminal.write(latest.current.lines.push(chunk, times[index] ?? 0));
  }, [live, hasTimes]);

  useEffect(() => {
    if (live !== null) live.guarded.terminal.options.theme = terminalTheme(tokens);
  }, [live, tokens]);

  return { live, status };
}

/** Writes a chunk; while paused, the visible lines stay in place. */
function writeHeld(
  terminal: GuardedTerminal['terminal'],
  bytes: Uint8Array,
  isPaused: boolean,
  done: () => void,
): void {
  if (!isPaused) {
    terminal.write(bytes, done);
    return;
  }
  const top = terminal.buffer.active.viewportY;
  // A marker moves with its line when the scrollback drops older ones.
  const { baseY, cursorY } = terminal.buffer.active;
  const marker = terminal.registerMarker(top - baseY - cursorY);
  terminal.write(bytes, () => {
    if (marker !== undefined && marker.line >= 0) terminal.scrollToLine(marker.line);
    marker?.dispose();
    done();
  });
}

/** False keeps a key from the guest; the studio's shortcuts then reach the window. */
function handleKey(event: KeyboardEvent, terminal: GuardedTerminal['terminal'], onSearch: () => void): boolean {
  const route = routeKey(event, terminal.hasSelection());
  if (route === 'guest') return true;
  if (event.type !== 'keydown') return false;
  if (route === 'search') onSearch();
  if (route === 'copy') void copyText(terminal.getSelection());
  // Paste: the browser's own paste event follows and xterm reads the text from it.
  if (route === 'search' || route === 'copy') event.preventDefault();
  return false;
}

/** Puts text on the clipboard; false when the browser refused. */
export async function copyText(text: string): Promise<boolean> {
  if (text === '') return true;
  return navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  );
}
