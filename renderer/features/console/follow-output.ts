import type { Terminal } from '@xterm/xterm';

/** What of a terminal this needs. */
export type Followed = Pick<Terminal, 'buffer' | 'hasSelection' | 'onRender' | 'scrollToBottom'>;

/** What a person scrolls with. */
const gestures = ['wheel', 'pointerdown', 'pointermove', 'pointerup', 'keydown'] as const;

/**
 * Keeps the last line in view until a person scrolls away from it.
 *
 * xterm does so itself, but takes a change of its own layout in the middle of much output for a person's scrolling, and
 * then stays where it is (seen with 6.0.0).
 */
export function followOutput(terminal: Followed, root: HTMLElement, isHeld: () => boolean): () => void {
  let isFollowing = true;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const isAtEnd = () => terminal.buffer.active.viewportY >= terminal.buffer.active.baseY;
  const look = () => {
    // Once the terminal has done what the gesture asks for.
    timer ??= setTimeout(() => {
      timer = null;
      isFollowing = isAtEnd();
    }, 0);
  };
  for (const name of gestures) root.addEventListener(name, look, { capture: true, passive: true });
  const rendered = terminal.onRender(() => {
    // A found or selected text is what a person looks at.
    if (!isFollowing || timer !== null || isHeld() || isAtEnd() || terminal.hasSelection()) return;
    terminal.scrollToBottom();
  });
  return () => {
    if (timer !== null) clearTimeout(timer);
    rendered.dispose();
    for (const name of gestures) root.removeEventListener(name, look, { capture: true });
  };
}
