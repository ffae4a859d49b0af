/** Serves a connection of Firstlight's own: a request a line, an answer a line. */
import type { Socket } from 'node:net';
import { createLineReader } from '../session/read-lines.ts';
import type { WireAnswer, WireCalled, WireMark, WireRequest } from '../session/wire.ts';
import type { Call } from './answer-always.ts';
import { failure, type Result } from './handler.ts';

export interface WireContext {
  readonly marks: readonly WireMark[];
  readonly ticks: () => number;
  /** Whether the function has been called, on any connection: from then on nobody gives it variables. */
  readonly first: { isCalled: boolean };
}

/** Answers the requests on `socket` until it ends. One invocation at a time, as on Ember: a ping waits its turn too. */
export function serveWire(socket: Socket, call: Call, { marks, ticks, first }: WireContext): void {
  let turn: Promise<void> = Promise.resolve();
  let received = 0;
  const read = createLineReader((line) => {
    const request = readRequest(line);
    if (request.type === 'env') takeEnviron(request, first.isCalled);
    if (request.type === 'invoke') first.isCalled = true;
    const at = received;
    turn = turn.then(() => answer(request, at));
  });
  socket.on('data', (chunk: Buffer) => {
    received = ticks();
    try {
      read(chunk);
    } catch {
      // This client does not speak the protocol, which is not a reason for the function to end.
      socket.destroy();
    }
  });
  socket.resume();

  async function answer(request: WireRequest, receivedAt: number): Promise<void> {
    const { id } = request;
    if (request.type !== 'invoke') return send({ type: 'pong', id, received: receivedAt, sent: ticks() });
    const called: WireMark[] = [...marks, ['handler.called', ticks()]];
    send({ type: 'called', id, marks: called, sent: ticks() });
    await callInTime(call, request.event, request.deadlineMs, ({ outcome, returnedAt }) => {
      const all: WireMark[] = returnedAt === undefined ? called : [...called, ['handler.returned', returnedAt]];
      send({ ...outcome, id, marks: all, received: receivedAt, sent: ticks() });
    });
  }

  function send(answer: WireAnswer | WireCalled): void {
    socket.write(`${JSON.stringify(answer)}\n`);
  }
}

/** Errors: throws for a client that comes too late to be the host. */
function takeEnviron({ env, args }: { readonly env?: unknown; readonly args?: unknown }, isCalled: boolean): void {
  if (isCalled) throw new TypeError('variables after a call');
  for (const [name, value] of Object.entries(env ?? {})) process.env[name] = String(value);
  if (Array.isArray(args)) process.argv.splice(2, process.argv.length, ...args.map(String));
}

/** Errors: throws for anything other than a request. */
function readRequest(line: string): WireRequest {
  const request = JSON.parse(line) as Partial<WireRequest> | null;
  if (typeof request?.id === 'number' && ['ping', 'invoke', 'env'].includes(`${request.type}`)) {
    return request as WireRequest;
  }
  throw new TypeError('not a request');
}

/** A handler that waits for ever is reported here; one that computes without end, by the host. */
function callInTime(call: Call, event: unknown, deadlineMs: number, send: (result: Result) => void): Promise<void> {
  return new Promise((resolve) => {
    // A function that ends Node.js at once is answered for before there is a timer.
    let timer: NodeJS.Timeout | undefined;
    const forget = call(event, (result) => {
      clearTimeout(timer);
      send(result);
      resolve();
    });
    timer = setTimeout(() => {
      forget();
      send({ outcome: failure('FUNCTION_TIMEOUT', '', `The function did not answer within ${deadlineMs} ms.`, '') });
      resolve();
    }, deadlineMs);
  });
}
