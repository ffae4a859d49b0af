// One set-up at a time per checkout. The lock is an abstract Unix socket: the kernel releases it when its holder ends
// for any reason, so there is no stale lock to find or to steal.
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { connect, createServer } from 'node:net';

/** Locks the checkout at `root` while `work` runs; before a wait it calls `onWait` with the holder's process id. */
export async function withLock(root, onWait, work) {
  const name = `\0firstlight-setup-${createHash('sha256').update(realpathSync(root)).digest('hex').slice(0, 24)}`;
  let server = await tryLock(name);
  for (let announced = false; !server; server = await tryLock(name)) {
    await waitForHolder(name, (pid) => {
      if (!announced) onWait(pid);
      announced = true;
    });
  }
  try {
    return await work();
  } finally {
    server.release();
  }
}

function tryLock(name) {
  return new Promise((resolve, reject) => {
    const waiters = new Set();
    const server = createServer((waiter) => {
      waiters.add(waiter);
      waiter.on('error', () => waiter.destroy());
      waiter.on('close', () => waiters.delete(waiter));
      waiter.write(`${process.pid}\n`);
    });
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(name, () => {
      // The lock must not keep the process alive by itself.
      server.unref();
      resolve({
        release: () => {
          server.close();
          for (const waiter of waiters) waiter.destroy();
        },
      });
    });
  });
}

/** Settles when the holder releases the lock: its end closes the connection. */
function waitForHolder(name, onHolder) {
  return new Promise((resolve) => {
    const socket = connect(name);
    socket.once('data', (data) => onHolder(data.toString().trim()));
    // A refusal means that the holder has just ended; either way `close` follows, and the lock is tried again.
    socket.on('error', () => socket.destroy());
    socket.on('close', resolve);
  });
}
