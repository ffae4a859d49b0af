import type { Terminal } from '@xterm/xterm';

/** The parts of a terminal that this module needs. */
export type Followed = Pick<
  Terminal,
  'buffer' | 'hasSelection' | 'onRender' | 'onWriteParsed' | 'scrollLines' | 'scrollToBottom'
>;

/** The events with which a person scrolls. */
const gestures = ['wheel', 'pointerdown', 'pointermove', 'pointerup', 'keydown'] as const;

/**
 * Keeps the last line in view until a person scrolls away from it.
 *
 * xterm does so itself, but mistakes a change of its layout in the middle of much output for a person's scrolling, and
 * then stays where it is (seen with 6.0.0: it gets fewer rows while it is out of sight, and output comes before it has
 * measured itself again). From then on the new lines are out of sight and nothing is drawn: written output has to be
 * followed as well as drawn output.
 */
export function followOutput(terminal: Followed, root: HTMLElement, isHeld: () => boolean): () => void {
  let isFollowing = true;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let frame: number | null = null;
  const isAtEnd = () => terminal.buffer.active.viewportY >= terminal.buffer.active.baseY;
  const look = (event: Event) => {
    // A pointer move without a pressed button scrolls nothing.
    if (event.type === 'pointermove' && (event as PointerEvent).buttons === 0) return;
    // After the terminal has handled the gesture.
    timer ??= setTimeout(() => {
      timer = null;
      isFollowing = isAtEnd();
    }, 0);
  };
  for (const name of gestures) root.addEventListener(name, look, { capture: true, passive: true });
  const follow = () => {
    frame = null;
    // A person is looking at the found or selected text.
    if (!isFollowing || timer !== null || isHeld() || isAtEnd() || terminal.hasSelection()) return;
    terminal.scrollToBottom();
    if (isAtEnd()) return;
    // xterm moves from where its scroll bar is. That may be at its end already, with the lines left behind: only a bar
    // that moves scrolls them too, and measures itself.
    terminal.scrollLines(-1);
    terminal.scrollToBottom();
    if (!isAtEnd()) followSoon();
  };
  // Within its own event xterm treats the next drawing as one without changes, and reports none.
  const followSoon = () => {
    frame ??= requestAnimationFrame(follow);
  };
  const listeners = [terminal.onRender(follow), terminal.onWriteParsed(follow)];
  return () => {
    if (timer !== null) clearTimeout(timer);
    if (frame !== null) cancelAnimationFrame(frame);
    for (const listener of listeners) listener.dispose();
    for (const name of gestures) root.removeEventListener(name, look, { capture: true });
  };
}
