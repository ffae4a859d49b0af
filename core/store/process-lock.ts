/**
 * A lock that at most one process of this user has at a time.
 *
 * It is an abstract Unix socket: the kernel lets one process bind a name, and frees it at any end of that process. A
 * waiting process connects to the holder and learns of its end by the end of the connection, so no process polls and no
 * file is left on disk. Source: unix(7), "abstract socket addresses"; the name space is that of the network.
 */
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { FirstlightError } from '#shared/errors.ts';
import { sha256 } from './digest.ts';
import { systemCode } from './store-error.ts';

/** The work under a lock is some file operations; a holder that takes longer is stuck. */
const defaultTimeoutMs = 10_000;
const tails = new Map<string, Promise<unknown>>();

/**
 * The result of `work`, run while no other process and no other caller in this one is in a `withProcessLock` of the
 * same name.
 *
 * Errors: STORE_UNUSABLE when the lock is not free in time; as `work`.
 */
export async function withProcessLock<Value>(
  name: string,
  work: () => Promise<Value>,
  timeoutMs = defaultTimeoutMs,
): Promise<Value> {
  const turn = (tails.get(name) ?? Promise.resolve()).then(async () => {
    const server = await acquire(name, Date.now() + timeoutMs);
    try {
      return await work();
    } finally {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of waiting.get(server) ?? []) socket.destroy();
      });
    }
  });
  const tail = turn.catch(() => undefined);
  tails.set(name, tail);
  void tail.then(() => tails.get(name) === tail && tails.delete(name));
  return await turn;
}

const waiting = new WeakMap<Server, Set<{ destroy: () => void }>>();

async function acquire(name: string, deadlineMs: number): Promise<Server> {
  const address = `\0firstlight-${process.getuid?.() ?? 0}-${sha256(name).slice(0, 32)}`;
  for (;;) {
    const server = await bind(address);
    if (server !== null) return server;
    const leftMs = deadlineMs - Date.now();
    if (leftMs <= 0) throw stillHeld(name);
    await untilReleased(address, leftMs);
  }
}

/** The bound server; null when another process has the name. */
async function bind(address: string): Promise<Server | null> {
  const sockets = new Set<{ destroy: () => void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  waiting.set(server, sockets);
  server.listen(address);
  try {
    await once(server, 'listening');
    return server;
  } catch (thrown) {
    if (systemCode(thrown) === 'EADDRINUSE') return null;
    throw thrown;
  }
}

/** Settles when the holder releases it, or after `timeoutMs`. */
async function untilReleased(address: string, timeoutMs: number): Promise<void> {
  const socket = connect(address);
  socket.setTimeout(timeoutMs, () => socket.destroy());
  await new Promise<void>((resolve) => {
    // A refused connection means that the holder has released it since.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
  });
}

const stillHeld = (name: string) =>
  new FirstlightError('STORE_UNUSABLE', `Another Firstlight is still busy with ${name}.`, {
    hint: 'End the other program if it hangs, then try again.',
    details: { subject: name },
  });
