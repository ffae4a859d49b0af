import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { FirstlightError } from '#shared/errors.ts';

/**
 * The serial console of an instance, or its port for what the function prints, over the socket that its QEMU listens on.
 *
 * Source: libvirt 9.0 opens consoles that are a pty only (`qemuDomainOpenConsole`), and a pty drops what is printed
 * before QEMU notices a reader, up to a second later. QEMU keeps a socket's client from its first byte on.
 *
 * Errors: CHANNEL_BROKEN when nobody listens there or we may not connect.
 */
export function connectSerial(path: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (cause) =>
      reject(
        new FirstlightError('CHANNEL_BROKEN', `The console at ${path} cannot be reached.`, {
          hint: 'Run `firstlight doctor`: it checks who may use the sockets of instances.',
          details: { subject: path },
          cause,
        }),
      ),
    );
  });
}
