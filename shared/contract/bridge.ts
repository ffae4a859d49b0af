/**
 * The contract's three verbs in a form that survives Electron's context bridge.
 *
 * The bridge copies what crosses it: an `AbortSignal` arrives as an empty object and an `Error` keeps only its message.
 * So between preload and page a call is cancelled by a function, and errors travel in their wire form.
 */
import { FirstlightError, fromWireError, toWireError, type WireError } from '../errors.ts';
import type { Client, ClientStream } from './client.ts';
import type { Progress } from './define.ts';
import type { CallName, EventName, StreamName } from './index.ts';
import { maxNameLength } from './wire.ts';

export type BridgeOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: WireError };

/** The object that the preload script exposes as `window.firstlight`. */
export interface Bridge {
  readonly call: (
    name: string,
    input: unknown,
    onProgress: (progress: Progress) => void,
  ) => { readonly outcome: Promise<BridgeOutcome>; readonly cancel: () => void };
  readonly subscribe: (name: string, listener: (payload: unknown) => void) => () => void;
  readonly openStream: (
    name: string,
    input: unknown,
    onChunk: (chunk: Uint8Array) => void | Promise<void>,
  ) => {
    readonly write: (chunk: Uint8Array) => void;
    readonly close: () => void;
    /** Null when the stream ended well. */
    readonly ended: Promise<WireError | null>;
  };
}

/** The preload's side: a client's verbs in a form that is safe to expose. */
export function createBridge(client: Client): Bridge {
  return {
    call: (name, input, onProgress) => {
      const abort = new AbortController();
      const refusal = checkRequest(name);
      if (refusal !== null) return { outcome: Promise.resolve({ ok: false, error: refusal }), cancel: () => undefined };
      const outcome = client
        .call(name as CallName, input as never, { signal: abort.signal, onProgress })
        .then<BridgeOutcome, BridgeOutcome>(
          (value) => ({ ok: true, value }),
          (thrown: unknown) => ({ ok: false, error: toWireError(thrown) }),
        );
      return { outcome, cancel: () => abort.abort() };
    },
    subscribe: (name, listener) => client.subscribe(name as EventName, listener),
    openStream: (name, input, onChunk) => {
      const refusal = checkRequest(name);
      if (refusal !== null) return { write: () => undefined, close: () => undefined, ended: Promise.resolve(refusal) };
      const stream = client.openStream(name as StreamName, input as never, onChunk);
      return {
        write: (chunk) => {
          if (!(chunk instanceof Uint8Array)) throw new FirstlightError('BAD_INPUT', 'A stream takes bytes only.');
          stream.write(chunk);
        },
        close: stream.close,
        ended: stream.ended.then(() => null, toWireError),
      };
    },
  };
}

/**
 * Why a request of the page cannot be sent, or null. The engine closes the connection of a client that breaks the protocol; one
 * wrong call of a page must not end its session.
 */
function checkRequest(name: unknown): WireError | null {
  if (typeof name === 'string' && name.length <= maxNameLength) return null;
  return toWireError(new FirstlightError('BAD_INPUT', 'The name of a call is a text.'));
}

/** The page's side: a client over the bridge. */
export function createBridgeClient(bridge: Bridge): Client {
  return {
    call: async (name, input, options = {}) => {
      const { signal, onProgress } = options;
      if (signal?.aborted) throw new FirstlightError('CANCELLED', 'Cancelled.');
      const { outcome, cancel } = bridge.call(name, input, (progress) => onProgress?.(progress));
      signal?.addEventListener('abort', cancel, { once: true });
      const result = await outcome.finally(() => signal?.removeEventListener('abort', cancel));
      if (!result.ok) throw fromWireError(result.error);
      return result.value as never;
    },
    subscribe: (name, listener) => bridge.subscribe(name, listener as (payload: unknown) => void),
    openStream: (name, input, onChunk): ClientStream => {
      const { write, close, ended: outcome } = bridge.openStream(name, input, onChunk);
      const ended = outcome.then((error) => {
        if (error !== null) throw fromWireError(error);
      });
      // A caller that only reads need not watch `ended`.
      ended.catch(() => undefined);
      return { write, close, ended };
    },
  };
}
