/** Serves a connection of Firstlight's own: a request a line, an answer a line. */
import type { Socket } from 'node:net';
import type { WireAnswer, WireMark, WireRequest } from '../session/wire.ts';
import { failure, type Handler, type Outcome } from './handler.ts';

export interface WireContext {
  readonly marks: readonly WireMark[];
  readonly ticks: () => number;
}

/** Answers what comes on `socket` until it ends. One invocation at a time, as on Ember: a ping waits its turn too. */
export function serveWire(socket: Socket, handler: Handler, { marks, ticks }: WireContext): void {
  let rest = '';
  let turn: Promise<void> = Promise.resolve();
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const received = ticks();
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const request = JSON.parse(line) as WireRequest;
      turn = turn.then(() => answer(request, received));
    }
  });
  socket.resume();

  async function answer(request: WireRequest, received: number): Promise<void> {
    const { id } = request;
    if (request.type === 'ping') return send({ type: 'pong', id, received, sent: ticks() });
    const outcome = await withDeadline(handler(request.event), request.deadlineMs);
    send({ ...outcome, id, marks, received, sent: ticks() });
  }

  function send(answer: WireAnswer): void {
    socket.write(`${JSON.stringify(answer)}\n`);
  }
}

/** A handler that waits for something that never comes is told of here; one that computes without end, by the host. */
async function withDeadline(running: Promise<Outcome>, deadlineMs: number): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Outcome>((resolve) => {
    const message = `The function did not answer within ${deadlineMs} ms.`;
    timer = setTimeout(() => resolve(failure('FUNCTION_TIMEOUT', '', message, '')), deadlineMs);
  });
  return await Promise.race([running, late]).finally(() => clearTimeout(timer));
}
