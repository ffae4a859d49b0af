import type { WebSocket } from 'ws';

/** A peer that has not answered by the next ping is gone: a laptop closed, a tunnel cut. */
const pingEveryMs = 15_000;

/** Ends a connection whose peer no longer answers, so that its resources are released. */
export function keepAlive(socket: WebSocket, everyMs = pingEveryMs): void {
  let answered = true;
  const timer = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, everyMs);
  timer.unref();
  socket.on('pong', () => {
    answered = true;
  });
  socket.once('close', () => clearInterval(timer));
}
