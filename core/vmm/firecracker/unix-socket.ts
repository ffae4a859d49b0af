import { closeSync, constants, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/** Source: open(2), Linux: a handle of the file itself. Node.js has no name for it. */
const openPath = 0o10000000;

/**
 * A connection to the socket at a path that may be longer than a socket's address. A symbolic link is refused: a jailed
 * process could put one there, to have a connection made in the name of root.
 *
 * Errors: the kernel's.
 */
export function connectTo(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const file = openSync(path, openPath | constants.O_NOFOLLOW);
    const socket = connect(`/proc/self/fd/${file}`);
    // The connection was asked for at once.
    closeSync(file);
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket));
  });
}
