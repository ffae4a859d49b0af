import type { WebSocket } from 'ws';

/** A peer that has not answered by the next ping is gone: a laptop closed, a tunnel cut. */
const pingEveryMs = 15_000;
/** While data waits for a peer, its answer may be late by as many pings: a ping waits behind an answer of 60 MB. */
const mostMissed = 8;

/** Ends a connection whose peer no longer answers, so that its resources are released. */
export function keepAlive(socket: WebSocket, everyMs = pingEveryMs): void {
  let missed = 0;
  const timer = setInterval(() => {
    if (missed >= (socket.bufferedAmount > 0 ? mostMissed : 1)) return socket.terminate();
    missed += 1;
    if (missed === 1) socket.ping();
  }, everyMs);
  timer.unref();
  const onSign = () => {
    missed = 0;
  };
  socket.on('pong', onSign);
  socket.on('message', onSign);
  socket.once('close', () => clearInterval(timer));
}
