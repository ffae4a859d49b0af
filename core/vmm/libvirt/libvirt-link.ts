import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, LifecycleEvent } from 'node-libvirt';
import { connect, LibvirtTimeoutError } from 'node-libvirt';
import { createDeferred } from '#shared/deferred.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { VmmState } from '../vmm.ts';
import { isElsewhere } from './is-elsewhere.ts';
import { isRemote } from './is-remote.ts';
import { type Doing, fromLibvirt } from './to-firstlight-error.ts';

/** The events of a link, for its owner. */
export interface LinkListener {
  readonly onState: (state: VmmState) => void;
  readonly onLifecycle: (event: LifecycleEvent) => void;
  /** The connection is gone; calls and streams under way have failed. */
  readonly onLost: () => void;
  /** It is back; instances may have come and gone since. */
  readonly onReopened: () => void;
}

/** The connection to one libvirt: opened when first needed, reopened when it ends. */
export interface LibvirtLink {
  readonly uri: string;
  readonly state: VmmState;
  /** The reason why it is not connected; null while connected, or before the first try. */
  readonly failure: FirstlightError | null;
  /**
   * The open connection.
   *
   * Errors: LIBVIRT_UNREACHABLE, LIBVIRT_DENIED, BAD_INPUT; LIBVIRT_LOST when it ended and did not come back within 5 s.
   */
  readonly connection: () => Promise<Connection>;
  /**
   * The answer to a question that any daemon answers at once. One that does not counts as lost until it answers again.
   *
   * Errors: as `connection`; LIBVIRT_UNREACHABLE for a daemon that has fallen silent; as `fromLibvirt`.
   */
  readonly ask: <T>(
    doing: Doing,
    question: (connection: Connection, options: { readonly timeoutMs: number }) => Promise<T>,
  ) => Promise<T>;
  /** Ends it, and every instance that must end with us. */
  readonly close: () => Promise<void>;
}

/** A daemon that restarts is back within this; after that, the caller gets an error. */
const reopenWaitMs = 5_000;
const reopenPollMs = 20;
/** A daemon that accepts a connection and does not answer for this long hangs: a starting one takes under a second. */
const openTimeoutMs = 3_000;
/** A daemon that takes longer to answer a simple call hangs. */
export const answerTimeoutMs = 3_000;
/** A network, a login and the start of a helper come before. */
const openRemoteTimeoutMs = 15_000;

/** A link that is not connected yet. */
export function createLibvirtLink(uri: string, listener: LinkListener): LibvirtLink {
  let state: VmmState = 'connecting';
  let failure: FirstlightError | null = null;
  let current: Connection | null = null;
  let opening: Promise<Connection> | null = null;
  let closed = false;
  const timeoutMs = isRemote(uri) ? openRemoteTimeoutMs : openTimeoutMs;

  const setState = (next: VmmState, why: FirstlightError | null = null) => {
    const isSame = state === next && failure?.message === why?.message;
    if (isSame || closed) return;
    state = next;
    failure = why;
    listener.onState(next);
  };
  const lostError = () =>
    new FirstlightError('LIBVIRT_LOST', `The connection to libvirt at ${uri} was lost and is not back yet.`, {
      hint: 'Is the daemon running? `firstlight doctor --fix` starts it where that is ours to do.',
    });

  async function open(): Promise<Connection> {
    try {
      const inTime = AbortSignal.timeout(timeoutMs);
      const connection = await connect({ uri, signal: inTime });
      connection.on('disconnected', () => {
        setState('lost', lostError());
        listener.onLost();
      });
      connection.on('reopened', () => {
        setState('connected');
        listener.onReopened();
      });
      connection.on('closed', () => {
        if (current === connection) current = null;
        setState('lost', lostError());
      });
      await beforeAbort(connection.subscribe('lifecycle', listener.onLifecycle), inTime).catch((thrown: unknown) => {
        void connection.close();
        throw thrown;
      });
      if (closed) {
        await connection.close();
        throw new FirstlightError('CANCELLED', 'Firstlight is closing.');
      }
      current = connection;
      setState('connected');
      return connection;
    } catch (thrown) {
      const error = isTimeout(thrown)
        ? silentDaemon(uri, timeoutMs, thrown)
        : fromLibvirt(thrown, `connect to libvirt at ${uri}`);
      setState('lost', error);
      throw error;
    } finally {
      opening = null;
    }
  }

  async function waitForReopening(connection: Connection): Promise<Connection> {
    const deadline = performance.now() + reopenWaitMs;
    while (current === connection && performance.now() < deadline) {
      if (connection.connected) return connection;
      await sleep(reopenPollMs);
    }
    if (current !== connection && !closed) return await connectionNow();
    throw lostError();
  }

  async function connectionNow(): Promise<Connection> {
    if (closed) throw new FirstlightError('CANCELLED', 'Firstlight is closing.');
    if (current?.connected) return current;
    if (current !== null) return await waitForReopening(current);
    opening ??= open();
    return await opening;
  }

  const ask: LibvirtLink['ask'] = async (doing, question) => {
    const connection = await connectionNow();
    try {
      const answer = await question(connection, { timeoutMs: answerTimeoutMs });
      if (current === connection && connection.connected) setState('connected');
      return answer;
    } catch (thrown) {
      if (!(thrown instanceof LibvirtTimeoutError)) throw fromLibvirt(thrown, doing);
      const silent = silentDaemon(uri, answerTimeoutMs, thrown);
      if (current === connection) setState('lost', silent);
      throw silent;
    }
  };

  return {
    uri,
    get state() {
      return state;
    },
    get failure() {
      return failure;
    },
    connection: connectionNow,
    ask,
    async close() {
      closed = true;
      const connection = current;
      current = null;
      const closing = connection?.close();
      // A silent daemon does not answer the goodbye either; our end of the connection ends with the process.
      if (state === 'connected') await closing;
    },
  };
}

/** The result, unless the signal comes first. Errors: its reason. */
async function beforeAbort<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  result.catch(() => undefined);
  const aborted = createDeferred<never>();
  aborted.promise.catch(() => undefined);
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return Promise.race([result, aborted.promise]).finally(() => signal.removeEventListener('abort', onAbort));
}

const isTimeout = (thrown: unknown) => thrown instanceof Error && thrown.name === 'TimeoutError';

function silentDaemon(uri: string, timeoutMs: number, cause: unknown): FirstlightError {
  const restart = isElsewhere(uri)
    ? 'Restart it where it runs, or unset FIRSTLIGHT_URI to use the libvirt of this machine.'
    : 'Restart it: systemctl restart libvirtd, or kill it and run libvirtd -d.';
  return new FirstlightError(
    'LIBVIRT_UNREACHABLE',
    `libvirt at ${uri} takes connections and does not answer within ${timeoutMs / 1000} s.`,
    { hint: `Its daemon hangs or is stopped. ${restart}`, cause },
  );
}
