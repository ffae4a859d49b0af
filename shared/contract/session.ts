import type { z } from 'zod';
import { FirstlightError, toWireError } from '../errors.ts';
import { calls, type Engine, streams } from './index.ts';
import { clientMessageSchema, type EnginePort, pauseAtBytes, resumeUnderBytes } from './wire.ts';

interface OpenStream {
  readonly abort: AbortController;
  unacknowledged: number;
  /** Writers that wait for the reader. A stream has several where it carries the output of several pods. */
  waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[];
  onData: ((chunk: Uint8Array) => void) | null;
}

/** A received call: it waits for its turn, then runs. */
interface OpenCall {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
  readonly isLarge: boolean;
  readonly abort: AbortController;
}

/**
 * The limit of pending calls of one client. A window makes a dozen calls when it opens; a client with more is faulty or
 * hostile, and must not block the engine for others. Of calls with a large answer one runs at a time, until its answer
 * has left: 64 runs of 64 MiB would take 5 GB of the engine's memory.
 */
export const sessionLimits = {
  /** Handlers that run at once; further calls wait for their turn, in order. */
  runningCalls: 64,
  /** Calls that wait; further ones are refused. */
  waitingCalls: 1_000,
  openStreams: 64,
} as const;

type AnyHandler = (request: unknown, context: unknown) => unknown;

/**
 * Serves one client on a port until it closes: validates each input once, runs the handler, sends the result.
 *
 * Errors: a message outside of the protocol closes the port; input that does not fit its schema is BAD_INPUT; more than
 * `sessionLimits` is TOO_MANY_CALLS. Calls and streams of a client that goes away are cancelled.
 */
export function serveSession(engine: Engine, port: EnginePort): void {
  const running = new Map<number, OpenCall>();
  const waiting = new Map<number, OpenCall>();
  const open = new Map<number, OpenStream>();
  let closed = false;

  const send: EnginePort['send'] = (message) => {
    if (!closed) port.send(message);
  };
  const stopListening = engine.listen((name, payload) => send({ type: 'event', name, payload }));

  port.onClose(() => {
    closed = true;
    stopListening();
    waiting.clear();
    for (const { abort } of running.values()) abort.abort();
    for (const entry of open.values()) endStream(entry);
    running.clear();
    open.clear();
  });

  port.onMessage((raw) => {
    const parsed = clientMessageSchema.safeParse(raw);
    if (!parsed.success) return port.close();
    const message = parsed.data;
    switch (message.type) {
      case 'call':
        receiveCall(message);
        return;
      case 'cancel':
        cancelCall(message.id);
        return;
      case 'open':
        void runStream(message.id, message.name, message.input);
        return;
      case 'data':
        open.get(message.id)?.onData?.(message.bytes);
        return;
      case 'ack': {
        const entry = open.get(message.id);
        if (entry === undefined) return;
        entry.unacknowledged = Math.max(0, entry.unacknowledged - message.count);
        if (entry.unacknowledged < resumeUnderBytes) {
          for (const { resolve } of entry.waiting.splice(0)) resolve();
        }
        return;
      }
      case 'close': {
        const entry = open.get(message.id);
        if (entry !== undefined) endStream(entry);
        open.delete(message.id);
        return;
      }
    }
  });

  function receiveCall({
    id,
    name,
    input,
  }: {
    readonly id: number;
    readonly name: string;
    readonly input: unknown;
  }): void {
    const call = { id, name, input, isLarge: lookUp(calls, name)?.isLarge ?? false, abort: new AbortController() };
    if (running.has(id) || waiting.has(id)) port.close();
    else if (mayRun(call)) void runCall(call);
    else if (waiting.size < sessionLimits.waitingCalls) waiting.set(id, call);
    else send({ type: 'error', id, error: toWireError(tooMany('calls', sessionLimits.waitingCalls)) });
  }

  const mayRun = ({ isLarge }: OpenCall) =>
    running.size < sessionLimits.runningCalls && !(isLarge && [...running.values()].some((call) => call.isLarge));

  function cancelCall(id: number): void {
    running.get(id)?.abort.abort();
    if (waiting.delete(id))
      send({ type: 'error', id, error: toWireError(new FirstlightError('CANCELLED', 'Cancelled.')) });
  }

  function runNext(): void {
    const next = [...waiting.values()].find(mayRun);
    if (next === undefined) return;
    waiting.delete(next.id);
    void runCall(next);
  }

  async function runCall(call: OpenCall): Promise<void> {
    const { id, name, input, isLarge, abort } = call;
    running.set(id, call);
    try {
      const request = validate('call', name, lookUp(calls, name)?.input, input);
      const handler = engine.calls[name as keyof typeof calls] as AnyHandler | undefined;
      if (handler === undefined)
        throw new FirstlightError('NOT_FOUND', `This engine has nothing that answers ${name}.`);
      const value = await handler(request, {
        signal: abort.signal,
        progress: (progress: never) => send({ type: 'progress', id, progress }),
      });
      send({ type: 'result', id, value });
      if (isLarge) await port.flushed?.();
    } catch (thrown) {
      send({ type: 'error', id, error: toWireError(thrown) });
    } finally {
      running.delete(id);
      runNext();
    }
  }

  async function runStream(id: number, name: string, input: unknown): Promise<void> {
    if (open.has(id)) return port.close();
    if (open.size >= sessionLimits.openStreams) {
      return send({ type: 'end', id, error: toWireError(tooMany('streams', sessionLimits.openStreams)) });
    }
    const entry: OpenStream = { abort: new AbortController(), unacknowledged: 0, waiting: [], onData: null };
    open.set(id, entry);
    try {
      const request = validate('stream', name, lookUp(streams, name)?.input, input);
      const handler = engine.streams[name as keyof typeof streams] as AnyHandler;
      await handler(request, {
        signal: entry.abort.signal,
        write: (chunk: Uint8Array) => write(id, entry, chunk),
        onData: (listener: (chunk: Uint8Array) => void) => {
          entry.onData = listener;
        },
      });
      if (open.get(id) === entry) send({ type: 'end', id, error: null });
    } catch (thrown) {
      if (open.get(id) === entry) send({ type: 'end', id, error: toWireError(thrown) });
    } finally {
      if (open.get(id) === entry) open.delete(id);
    }
  }

  function write(id: number, entry: OpenStream, chunk: Uint8Array): Promise<void> {
    if (entry.abort.signal.aborted) return Promise.reject(streamClosed());
    entry.unacknowledged += chunk.byteLength;
    send({ type: 'data', id, bytes: chunk });
    if (entry.unacknowledged < pauseAtBytes) return Promise.resolve();
    return new Promise((resolve, reject) => {
      entry.waiting.push({ resolve, reject });
    });
  }
}

function endStream(entry: OpenStream): void {
  entry.abort.abort();
  for (const { reject } of entry.waiting.splice(0)) reject(streamClosed());
}

const streamClosed = () => new FirstlightError('CANCELLED', 'The stream was closed by its reader.');

const tooMany = (what: string, most: number) =>
  new FirstlightError('TOO_MANY_CALLS', `This client has more than ${most} ${what} open.`, {
    hint: 'Wait for some of them to end, then try again.',
  });

function lookUp<Definition>(map: Readonly<Record<string, Definition>>, name: string): Definition | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

function validate(kind: string, name: string, schema: z.ZodType | undefined, input: unknown): unknown {
  if (schema === undefined) throw new FirstlightError('BAD_INPUT', `There is no ${kind} named "${name}".`);
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.length ? ` at ${issue.path.join('.')}` : '';
  throw new FirstlightError('BAD_INPUT', `${name}${where}: ${issue?.message ?? 'input does not fit'}`);
}
