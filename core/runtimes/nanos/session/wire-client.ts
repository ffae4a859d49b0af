/** The host's end of a connection to a function's server in the guest. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { hostNow } from '#core/store/host-clock.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type HostNs, hostNs } from '#shared/model/units.ts';
import { createLineReader } from './read-lines.ts';
import { greeting, type WireAnswer, type WireCalled, type WireRequest, wireErrorCodes } from './wire.ts';

export interface WireClient {
  /** The answer to a request, and when it had arrived. Several may be under way. Errors: CHANNEL_BROKEN. */
  readonly ask: (request: WireRequest, onCalled?: CalledListener) => Promise<Heard>;
  readonly isOpen: () => boolean;
  readonly close: () => void;
}

/** Receives the notice that the handler is about to be called, at most once per request. */
export type CalledListener = (called: WireCalled, atNs: HostNs) => void;

export interface Heard {
  readonly answer: WireAnswer;
  readonly atNs: HostNs;
}

const connectTimeoutMs = 5_000;

const sent = { id: z.number().int(), received: z.number(), sent: z.number() };
const marksSchema = z.array(z.tuple([z.string().max(100), z.number()])).max(100);
/** Limits: a guest's messages are treated as hostile. */
const lineSchema: z.ZodType<WireAnswer | WireCalled> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('called'), id: z.number().int(), sent: z.number(), marks: marksSchema }),
  z.object({
    ...sent,
    type: z.literal('response'),
    status: z.number().int().min(100).max(599),
    headers: z.record(z.string(), z.string()),
    kind: z.enum(['none', 'json', 'text', 'bytes']),
    body: z.string(),
    marks: marksSchema,
  }),
  z.object({
    ...sent,
    type: z.literal('error'),
    code: z.enum(wireErrorCodes),
    message: z.string(),
    stack: z.string(),
    marks: marksSchema,
  }),
  z.object({ ...sent, type: z.literal('pong') }),
]);

/** Connects to a guest that listens. Errors: CHANNEL_BROKEN. */
export async function connectWire(host: string, port: number): Promise<WireClient> {
  const socket = connect({ host, port, noDelay: true });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(connectTimeoutMs) });
  } catch (cause) {
    socket.destroy();
    throw broken(`The guest cannot be reached at ${host}:${port}.`, cause);
  }
  socket.write(greeting);
  return serve(socket);
}

function serve(socket: Socket): WireClient {
  interface Waiting {
    readonly resolve: (heard: Heard) => void;
    readonly reject: (error: FirstlightError) => void;
    onCalled: CalledListener | undefined;
  }
  const waiting = new Map<number, Waiting>();

  function fail(error: FirstlightError): void {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    socket.destroy();
  }

  let atNs = hostNs(0);
  const read = createLineReader((line) => {
    const received = lineSchema.parse(JSON.parse(line));
    // An answer that comes too late finds no entry.
    const entry = waiting.get(received.id);
    if (received.type === 'called') {
      entry?.onCalled?.(received, atNs);
      if (entry !== undefined) entry.onCalled = undefined;
      return;
    }
    entry?.resolve({ answer: received, atNs });
    waiting.delete(received.id);
  });

  socket.on('data', (chunk: Buffer) => {
    atNs = hostNow();
    try {
      read(chunk);
    } catch (thrown) {
      fail(broken('The guest sent a line that is not an answer.', thrown));
    }
  });
  socket.on('error', (cause) => fail(broken('The connection to the guest broke.', cause)));
  socket.on('close', () => fail(broken('The connection to the guest ended before it answered.')));

  return {
    ask: (request, onCalled) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(broken('The connection to the guest is closed.'));
        waiting.set(request.id, { resolve, reject, onCalled });
        socket.write(`${JSON.stringify(request)}\n`);
      }),
    isOpen: () => !socket.destroyed,
    close: () => void socket.destroy(),
  };
}

const broken = (message: string, cause?: unknown) => new FirstlightError('CHANNEL_BROKEN', message, { cause });
