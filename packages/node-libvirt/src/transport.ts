import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { LibvirtConnectionError } from './errors.ts';

/** An address as the daemon's host sees it: its loopback is the host's own. */
export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** The byte stream to a libvirt daemon. Implement this for TLS, SSH or another transport. */
export interface Transport {
  /** The target of the connection, for messages: a socket path, a host. */
  readonly description: string;
  /** Opens a fresh byte stream. Called again for every reopening and for each console or channel stream. */
  connect(signal?: AbortSignal): Promise<Duplex>;
  /** Opens a TCP connection from the daemon's host to an address there. Absent: the transport carries none. */
  connectTcp?(to: TcpAddress, signal?: AbortSignal): Promise<Duplex>;
  /** Releases what all streams share. Called when the connection is closed for good. */
  close?(): Promise<void>;
}

/** A transport over a unix socket. Errors: LibvirtConnectionError; see its `reason`. */
export function unixTransport(socketPath: string): Transport {
  return {
    description: socketPath,
    connect: (signal) => open(connect(socketPath), (error) => explainConnectError(error, socketPath), signal),
    connectTcp: connectTcpHere,
  };
}

/** A TCP connection of this machine. Errors: LibvirtConnectionError `connect-failed`. */
export const connectTcpHere = (to: TcpAddress, signal?: AbortSignal): Promise<Duplex> =>
  open(connect(to), (cause) => explainTcp(to, 'this machine', cause), signal);

/** The error for an address that nobody serves. */
export const explainTcp = ({ host, port }: TcpAddress, from: string, cause: Error): LibvirtConnectionError =>
  new LibvirtConnectionError('connect-failed', `cannot connect to ${host}:${port} from ${from}: ${cause.message}`, {
    cause,
  });

function open(
  socket: Socket,
  explain: (error: NodeJS.ErrnoException) => LibvirtConnectionError,
  signal?: AbortSignal,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      socket.destroy();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    socket.once('connect', () => {
      signal?.removeEventListener('abort', onAbort);
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      signal?.removeEventListener('abort', onAbort);
      reject(explain(error));
    });
  });
}

function explainConnectError(cause: NodeJS.ErrnoException, socketPath: string): LibvirtConnectionError {
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    return new LibvirtConnectionError('permission-denied', `no permission to connect to ${socketPath}`, {
      socketPath,
      cause,
      hint: 'Join the group that owns the socket (usually "libvirt") and log in again, or use qemu:///session.',
    });
  }
  if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') {
    const state = cause.code === 'ENOENT' ? 'does not exist' : 'has nobody listening on it';
    return new LibvirtConnectionError('no-daemon', `no libvirt daemon is running: ${socketPath} ${state}`, {
      socketPath,
      cause,
      hint: 'Start the daemon that serves this socket, or use qemu:///session.',
    });
  }
  return new LibvirtConnectionError('connect-failed', `cannot connect to ${socketPath}: ${cause.message}`, {
    socketPath,
    cause,
  });
}
