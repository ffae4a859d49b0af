/** Load by HTTP: connections that stay open, and send the next request when the last one is answered. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Units: `ms`, the time of each request, and of all of them together. */
export interface Load {
  readonly ms: readonly number[];
  readonly totalMs: number;
}

const request = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

/** Longer than the pauses of any server on a busy machine. */
const silenceMs = 60_000;

/**
 * Sends requests on so many connections at once for this long.
 *
 * Errors: an Error for an answer other than 200, for a connection that ends, and for none within a minute.
 */
export async function loadPort(port: number, connections: number, durationMs: number): Promise<Load> {
  const sockets: Socket[] = [];
  try {
    // One after the other: the forwarded ports of QEMU have a backlog of one.
    for (let i = 0; i < connections; i++) {
      const socket = open(port);
      sockets.push(socket);
      await ask(socket);
    }
    const ms: number[] = [];
    const startedAt = performance.now();
    const send = async (socket: Socket) => {
      for (let sentAt = startedAt; sentAt < startedAt + durationMs; ) {
        await ask(socket);
        const now = performance.now();
        ms.push(now - sentAt);
        sentAt = now;
      }
    };
    await Promise.all(sockets.map(send));
    return { ms, totalMs: performance.now() - startedAt };
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function open(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, timeout: silenceMs });
  const fail = (message: string) => () => socket.destroy(new Error(message));
  socket.on('timeout', fail(`Nothing came from port ${port} for ${silenceMs} ms.`));
  socket.on('end', fail(`Port ${port} ended a connection.`));
  // Whoever asks learns of it.
  socket.on('error', () => undefined);
  return socket;
}

/** One request, and its whole answer. */
async function ask(socket: Socket): Promise<void> {
  if (socket.destroyed) throw socket.errored ?? new Error('The connection is closed.');
  socket.write(request);
  let text = '';
  do {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    text += chunk.toString('latin1');
  } while (!isWhole(text));
  if (!text.startsWith('HTTP/1.1 200 ')) throw new Error(`The answer begins with ${JSON.stringify(text.slice(0, 40))}`);
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end + 2))?.[1];
  if (length === undefined) throw new Error('The answer has no length.');
  return text.length >= end + 4 + Number(length);
}
