import { FirstlightError } from '#shared/errors.ts';
import type { ConsoleConnection, ConsoleSource } from './console-source.ts';

/** The state of an attachment. Units: `retryInMs` from the moment the state was entered. */
export type AttachmentState =
  | { readonly kind: 'attached' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'lost'; readonly reason: string; readonly retryInMs: number | null };

/** The dependencies of an attachment. */
export interface AttachmentHost {
  /** Called before a new connection delivers its first bytes: it repeats the earlier output. */
  readonly onRestart: () => void;
  readonly onChunk: (bytes: Uint8Array) => void | Promise<void>;
  readonly onState: (state: AttachmentState) => void;
  /** Schedules a call; returns the function that cancels it. */
  readonly later: (act: () => void, delayMs: number) => () => void;
  readonly nowMs: () => number;
}

/** A console that reattaches by itself. */
export interface Attachment {
  readonly write: (bytes: Uint8Array) => void;
  /** Attaches again now, in any state. */
  readonly reconnect: () => void;
  readonly dispose: () => void;
}

/** Waits between tries: quick at first, for a daemon that restarts, then rarely enough to cost nothing. */
const retryDelaysMs = [500, 1_000, 2_000, 4_000, 8_000, 15_000];
/** A connection that lasted this long was a good one: the next loss starts with quick tries again. */
const goodAfterMs = 3_000;
/** Errors that another try cannot repair. */
const finalCodes = new Set(['NOT_FOUND', 'INSTANCE_LOST', 'BAD_INPUT', 'CANCELLED']);

/** Attaches to a source and stays attached: after a loss it tries again, with longer and longer waits. */
export function attach(source: ConsoleSource, host: AttachmentHost): Attachment {
  let connection: ConsoleConnection | null = null;
  let cancelRetry: (() => void) | null = null;
  let losses = 0;
  let generation = 0;
  let delivered = false;

  const open = () => {
    const mine = ++generation;
    const openedMs = host.nowMs();
    let fresh = true;
    const onChunk = (bytes: Uint8Array) => {
      if (mine !== generation) return;
      // Only now, not at the reconnect: a try without output must not clear the screen.
      if (fresh && delivered) host.onRestart();
      fresh = false;
      delivered = true;
      return host.onChunk(bytes);
    };
    const end = (error: unknown) => {
      if (mine !== generation) return;
      connection = null;
      if (error === null) return host.onState({ kind: 'ended' });
      losses = host.nowMs() - openedMs >= goodAfterMs ? 0 : losses;
      const reason = error instanceof Error ? error.message : String(error);
      const final = error instanceof FirstlightError && finalCodes.has(error.code);
      const retryInMs = final ? null : (retryDelaysMs[Math.min(losses, retryDelaysMs.length - 1)] ?? null);
      losses++;
      if (retryInMs !== null) cancelRetry = host.later(open, retryInMs);
      host.onState({ kind: 'lost', reason, retryInMs });
    };
    host.onState({ kind: 'attached' });
    try {
      const made = source.open(onChunk);
      connection = made;
      made.ended.then(() => end(null), end);
    } catch (thrown) {
      end(thrown);
    }
  };

  const stop = () => {
    generation++;
    cancelRetry?.();
    cancelRetry = null;
    connection?.close();
    connection = null;
  };

  open();
  return {
    write: (bytes) => connection?.write(bytes),
    reconnect: () => {
      stop();
      losses = 0;
      open();
    },
    dispose: stop,
  };
}
