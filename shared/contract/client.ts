import { createDeferred } from '../deferred.ts';
import { FirstlightError, fromWireError, toFirstlightError } from '../errors.ts';
import type { Progress } from './define.ts';
import type { CallInput, CallName, CallOutput, EventName, EventPayload, StreamInput, StreamName } from './index.ts';
import type { ClientPort } from './wire.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** The client's end of a byte stream. */
export interface ClientStream {
  readonly write: (chunk: Uint8Array) => void;
  readonly close: () => void;
  /** Resolves when the engine ended the stream; rejects with its error. */
  readonly ended: Promise<void>;
}

/** Takes a chunk; a returned promise delays the acknowledgement, which slows the sender. */
export type ChunkListener = (chunk: Uint8Array) => void | Promise<void>;

/** The three verbs of the contract. */
export interface Client {
  readonly call: <Name extends CallName>(
    name: Name,
    input: CallInput<Name>,
    options?: CallOptions,
  ) => Promise<CallOutput<Name>>;
  /** Returns the function that ends the subscription. */
  readonly subscribe: <Name extends EventName>(
    name: Name,
    listener: (payload: EventPayload<Name>) => void,
  ) => () => void;
  readonly openStream: <Name extends StreamName>(
    name: Name,
    input: StreamInput<Name>,
    onChunk: ChunkListener,
  ) => ClientStream;
}

interface PendingCall {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}
interface OpenStream {
  readonly onChunk: ChunkListener;
  readonly end: (error: FirstlightError | null) => void;
}

/**
 * A client over a port.
 *
 * Errors: the engine's, as a `FirstlightError`; CONNECTION_LOST for all pending calls and streams when the port closes.
 */
export function createClient(port: ClientPort): Client {
  const pending = new Map<number, PendingCall>();
  const open = new Map<number, OpenStream>();
  const listeners = new Map<string, Set<(payload: never) => void>>();
  let nextId = 1;
  let closed = false;

  const lost = () =>
    new FirstlightError('CONNECTION_LOST', 'The connection to the Firstlight engine was lost.', {
      hint: 'Is `npm start` or `firstlight serve` still running? Start it again and reload.',
    });

  port.onMessage((message) => {
    switch (message.type) {
      case 'result': {
        const entry = pending.get(message.id);
        pending.delete(message.id);
        entry?.resolve(message.value as never);
        return;
      }
      case 'error': {
        const entry = pending.get(message.id);
        pending.delete(message.id);
        entry?.reject(fromWireError(message.error));
        return;
      }
      case 'progress':
        pending.get(message.id)?.onProgress?.(message.progress);
        return;
      case 'event':
        for (const listener of listeners.get(message.name) ?? []) listener(message.payload as never);
        return;
      case 'data':
        void deliver(message.id, message.bytes);
        return;
      case 'end': {
        const entry = open.get(message.id);
        open.delete(message.id);
        entry?.end(message.error === null ? null : fromWireError(message.error));
        return;
      }
    }
  });

  port.onClose(() => {
    closed = true;
    for (const entry of pending.values()) entry.reject(lost());
    pending.clear();
    for (const entry of open.values()) entry.end(lost());
    open.clear();
  });

  async function deliver(id: number, chunk: Uint8Array): Promise<void> {
    const entry = open.get(id);
    if (entry === undefined) return;
    try {
      await entry.onChunk(chunk);
    } catch (thrown) {
      open.delete(id);
      entry.end(toFirstlightError(thrown));
      if (!closed) port.send({ type: 'close', id });
      return;
    }
    if (!closed && open.has(id)) port.send({ type: 'ack', id, count: chunk.byteLength });
  }

  return {
    call: (name, input, options = {}) =>
      new Promise((resolve, reject) => {
        const { signal, onProgress } = options;
        if (closed) return reject(lost());
        if (signal?.aborted) return reject(new FirstlightError('CANCELLED', 'Cancelled.'));
        const id = nextId++;
        // The engine answers a cancelled call too, once it has cleaned up; only then is the call over.
        const cancel = () => !closed && port.send({ type: 'cancel', id });
        const settle = () => signal?.removeEventListener('abort', cancel);
        pending.set(id, {
          resolve: (value) => {
            settle();
            resolve(value);
          },
          reject: (error) => {
            settle();
            reject(error);
          },
          onProgress,
        });
        signal?.addEventListener('abort', cancel, { once: true });
        try {
          port.send({ type: 'call', id, name, input });
        } catch (cause) {
          // The values contain a function, for example: no port can carry it.
          pending.get(id)?.reject(new FirstlightError('BAD_INPUT', `${name}: its input cannot be sent.`, { cause }));
          pending.delete(id);
        }
      }),

    subscribe: (name, listener) => {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set);
      set.add(listener as (payload: never) => void);
      return () => set.delete(listener as (payload: never) => void);
    },

    openStream: (name, input, onChunk) => {
      const id = nextId++;
      const { promise: ended, resolve, reject } = createDeferred();
      // A caller that only reads need not watch `ended`.
      ended.catch(() => undefined);
      if (closed) {
        reject(lost());
        return { write: () => undefined, close: () => undefined, ended };
      }
      open.set(id, { onChunk, end: (error) => (error === null ? resolve() : reject(error)) });
      port.send({ type: 'open', id, name, input });
      return {
        write: (chunk) => {
          if (!closed && open.has(id)) port.send({ type: 'data', id, bytes: chunk });
        },
        close: () => {
          if (!open.delete(id)) return;
          if (!closed) port.send({ type: 'close', id });
          resolve();
        },
        ended,
      };
    },
  };
}
