import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { FirstlightError } from '#shared/errors.ts';
import { connectTo } from './unix-socket.ts';

/** `OK`, a space, a number of 32 bits, a line feed. */
const maxReplyBytes = 16;

/**
 * A stream to a port that the guest listens on, over the Unix socket of its vsock. It exists before the guest does:
 * written data waits in the socket until the guest has accepted the connection.
 *
 * Errors: CHANNEL_BROKEN when no process listens there. A guest that refuses ends the stream.
 */
export async function openVsock(path: string, port: number): Promise<Duplex> {
  const socket = await connectTo(path).catch((cause: unknown) => {
    throw new FirstlightError('CHANNEL_BROKEN', `The guest's socket ${path} cannot be reached.`, {
      hint: 'Firecracker has ended. Run the function again.',
      details: { subject: path },
      cause,
    });
  });
  socket.write(`CONNECT ${port}\n`);
  return afterReply(socket);
}

/** The stream behind Firecracker's reply, which comes before the guest's first byte. */
function afterReply(socket: Socket): Duplex {
  let reply: Buffer | null = Buffer.alloc(0);
  const stream = new Duplex({
    read: () => {
      socket.resume();
    },
    write: (chunk, _, done) => {
      socket.write(chunk, done);
    },
    final: (done) => {
      socket.end(done);
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  const pass = (chunk: Buffer) => {
    if (chunk.length > 0 && !stream.push(chunk)) socket.pause();
  };
  socket.on('data', (chunk: Buffer) => {
    if (reply === null) return pass(chunk);
    reply = Buffer.concat([reply, chunk]);
    const end = reply.indexOf('\n');
    const isReply = reply.subarray(0, 3).toString('latin1') === 'OK '.slice(0, reply.length);
    if (!isReply || (end < 0 ? reply.length : end) > maxReplyBytes) {
      stream.destroy(new FirstlightError('CHANNEL_BROKEN', 'Firecracker answered a connection with something else.'));
      return;
    }
    if (end < 0) return;
    const rest = reply.subarray(end + 1);
    reply = null;
    pass(rest);
  });
  socket.on('end', () => stream.push(null));
  // The end of the machine reports a channel that breaks.
  socket.on('error', () => undefined);
  socket.on('close', () => stream.destroy());
  stream.on('error', () => undefined);
  return stream;
}
