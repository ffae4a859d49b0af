/** The host's end of a connection to a function's server in the guest. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { FirstlightError } from '#shared/errors.ts';
import { type HostNs, hostNs } from '#shared/model/units.ts';
import { greeting, type WireAnswer, type WireRequest } from './wire.ts';

/** A connection that asks one thing at a time. */
export interface WireClient {
  /** The answer to a request, and when it had come in. Errors: CHANNEL_BROKEN. */
  readonly ask: (request: WireRequest) => Promise<{ readonly answer: WireAnswer; readonly atNs: HostNs }>;
  readonly isOpen: () => boolean;
  readonly close: () => void;
}

/** A body of 16 MiB in base64 and JSON, and room to spare. */
const maxLineBytes = 64 * 1024 * 1024;
const connectTimeoutMs = 5_000;

const sent = { id: z.number().int(), received: z.number(), sent: z.number() };
const marksSchema = z.array(z.tuple([z.string().max(100), z.number()])).max(100);
/** What a guest says is decoded as hostile. */
const answerSchema: z.ZodType<WireAnswer> = z.discriminatedUnion('type', [
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
    code: z.enum(['FUNCTION_THREW', 'FUNCTION_TIMEOUT', 'FUNCTION_UNSENDABLE', 'EXPORT_MISSING']),
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
  let waiting: {
    readonly id: number;
    readonly resolve: (heard: { answer: WireAnswer; atNs: HostNs }) => void;
    readonly reject: (error: FirstlightError) => void;
  } | null = null;
  let chunks: Buffer[] = [];
  let held = 0;

  function fail(error: FirstlightError): void {
    waiting?.reject(error);
    waiting = null;
    socket.destroy();
  }

  function take(line: string, atNs: HostNs): void {
    const answer = answerSchema.parse(JSON.parse(line));
    if (waiting?.id !== answer.id) return;
    waiting.resolve({ answer, atNs });
    waiting = null;
  }

  socket.on('data', (chunk: Buffer) => {
    const atNs = hostNs(Number(process.hrtime.bigint()));
    try {
      let from = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
        const line = Buffer.concat([...chunks, chunk.subarray(from, end)]).toString('utf8');
        chunks = [];
        held = 0;
        from = end + 1;
        take(line, atNs);
      }
      held += chunk.length - from;
      chunks.push(chunk.subarray(from));
      if (held > maxLineBytes) throw new Error(`an answer of more than ${maxLineBytes} bytes`);
    } catch (thrown) {
      fail(broken('The guest sent what is no answer.', thrown));
    }
  });
  socket.on('error', (cause) => fail(broken('The connection to the guest broke.', cause)));
  socket.on('close', () => fail(broken('The connection to the guest ended before it answered.')));

  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(broken('The connection to the guest is closed.'));
        waiting = { id: request.id, resolve, reject };
        socket.write(`${JSON.stringify(request)}\n`);
      }),
    isOpen: () => !socket.destroyed,
    close: () => void socket.destroy(),
  };
}

const broken = (message: string, cause?: unknown) => new FirstlightError('CHANNEL_BROKEN', message, { cause });
