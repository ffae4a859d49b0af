import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { FirstlightError } from '#shared/errors.ts';
import type { ConsoleStreams } from './vmm.ts';

/**
 * The console of a machine, over the sockets that its QEMU listens on. QEMU serves one client at a time: when one of the
 * sockets cannot be opened, the other one is closed again.
 *
 * Errors: CHANNEL_BROKEN when no process listens there or this user may not connect.
 */
export async function connectConsole(paths: {
  readonly serial: string;
  readonly output: string | null;
}): Promise<ConsoleStreams> {
  const opening = [connectSerial(paths.serial), paths.output === null ? null : connectSerial(paths.output)] as const;
  try {
    const [serial, output] = await Promise.all(opening);
    return { serial, output };
  } catch (thrown) {
    for (const socket of opening) void socket?.then((open) => open.destroy()).catch(() => undefined);
    throw thrown;
  }
}

/**
 * The serial port of a machine, or its port for the function's output, over the socket that its QEMU listens on.
 *
 * Source: libvirt 9.0 opens consoles that are a pty only (`qemuDomainOpenConsole`), and a pty drops output printed
 * before QEMU notices a reader, up to a second later. QEMU keeps a socket's client from its first byte on.
 *
 * Errors: CHANNEL_BROKEN when no process listens there or this user may not connect.
 */
export function connectSerial(path: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      // The end of the machine reports a console that breaks. Without a listener its error would end the process.
      socket.on('error', () => undefined);
      resolve(socket);
    });
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
