import { LibvirtConnectionError, LibvirtError } from './errors.ts';
import type { KeepaliveOptions } from './keepalive.ts';
import * as protocol from './protocol.gen.ts';
import { Session, type SessionHandlers } from './session.ts';
import type { Transport } from './transport.ts';

/** The options for opening one wire connection. */
export interface OpenSessionOptions {
  name: string;
  transport: Transport;
  readOnly: boolean;
  keepalive: KeepaliveOptions | false;
  signal?: AbortSignal | undefined;
  handlers: SessionHandlers;
}

const readOnlyFlag = 1;

/** Connects, authenticates and opens the hypervisor. Errors: LibvirtConnectionError; LibvirtError from the open. */
export async function openSession(options: OpenSessionOptions): Promise<Session> {
  const { transport, signal } = options;
  const duplex = await transport.connect(signal);
  const session = new Session(duplex, options.handlers);
  const call = signal ? { signal } : {};
  try {
    await authenticate(session, transport, call);
    // A request for this feature makes the server ping us, so a connection without keepalive must not send it.
    if (options.keepalive) {
      const args = { feature: protocol.Feature.PROGRAM_KEEPALIVE };
      const { supported } = await session.call(protocol.connectSupportsFeature, args, call);
      if (supported) session.startKeepalive(options.keepalive);
    }
    await session.call(protocol.connectOpen, { name: options.name, flags: options.readOnly ? readOnlyFlag : 0 }, call);
    return session;
  } catch (error) {
    session.destroy(new LibvirtConnectionError('closed', 'opening the connection failed', { cause: error }));
    throw error;
  }
}

async function authenticate(session: Session, transport: Transport, call: { signal?: AbortSignal }): Promise<void> {
  const { types } = await session.call(protocol.authList, undefined, call);
  // The list is in the server's order of preference; any one of them works.
  if (types.length === 0 || types.includes(protocol.AuthType.NONE)) return;
  if (types.includes(protocol.AuthType.POLKIT)) {
    try {
      await session.call(protocol.authPolkit, undefined, call);
      return;
    } catch (cause) {
      if (!(cause instanceof LibvirtError)) throw cause;
      throw new LibvirtConnectionError(
        'auth-failed',
        `polkit refused access to ${transport.description}: ${cause.message}`,
        {
          socketPath: transport.description,
          cause,
          hint: 'Join the group "libvirt" and log in again, or use qemu:///session.',
        },
      );
    }
  }
  const asked = types.includes(protocol.AuthType.SASL)
    ? 'SASL (a user name and password)'
    : `method ${types.join(', ')}`;
  throw new LibvirtConnectionError('auth-unsupported', `the daemon at ${transport.description} asks for ${asked}`, {
    socketPath: transport.description,
    hint: 'Only access without a password and polkit are built in: set auth_unix_rw in libvirtd.conf, or use another socket.',
  });
}
