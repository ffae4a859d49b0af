import { connect as connectTls, type TLSSocket } from 'node:tls';
import { LibvirtConnectionError } from './errors.ts';
import { explainTls } from './explain-tls.ts';
import { readTlsFiles, type TlsFiles, type TlsPlace } from './tls-files.ts';
import type { Transport } from './transport.ts';

/** A host behind TLS, and where our certificates lie. */
export interface TlsTarget extends TlsPlace {
  host: string;
  port?: number | undefined;
}

/** The port of libvirt's TLS. */
const defaultPort = 16_514;

/** A transport over TLS, both ends with certificates. Errors: LibvirtConnectionError; see its `reason`. */
export function tlsTransport(target: TlsTarget): Transport {
  const { host, port = defaultPort } = target;
  const description = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    description,
    connect: async (signal) => {
      const files = await readTlsFiles(target);
      const socket = await handshake({ host, port }, files, description, signal);
      await confirmed(socket, files, description, signal);
      return socket;
    },
  };
}

function handshake(
  at: { host: string; port: number },
  files: TlsFiles,
  description: string,
  signal?: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const { ca, crl, own } = files;
    const refuse = (cause: Error) => reject(explainTls(cause, description, files));
    let socket: TLSSocket;
    try {
      socket = connectTls({ ...at, ca, ...(crl && { crl }), ...own, minVersion: 'TLSv1.2' });
    } catch (cause) {
      // What OpenSSL finds in the files themselves, as a key that is too short.
      refuse(cause as Error);
      return;
    }
    const onAbort = () => {
      socket.destroy();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('secureConnect', () => {
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      resolve(socket);
    });
    const onError = (cause: Error) => {
      signal?.removeEventListener('abort', onAbort);
      refuse(cause);
    };
    socket.once('error', onError);
  });
}

/** Waits for the byte by which the daemon says that it takes our certificate. Source: libvirt, virNetTLSSession. */
function confirmed(socket: TLSSocket, files: TlsFiles, description: string, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      signal?.removeEventListener('abort', onAbort);
      socket.off('readable', look).off('end', refuse).off('error', refuse);
      settle();
    };
    const refuse = (cause?: Error) =>
      finish(() => {
        socket.destroy();
        reject(explainRefusal(files, description, cause));
      });
    const onAbort = () =>
      finish(() => {
        socket.destroy();
        reject(signal?.reason);
      });
    const look = () => {
      const byte: Buffer | null = socket.read(1);
      if (byte?.[0] === 1) finish(resolve);
      else if (byte !== null) refuse();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.on('readable', look).once('end', refuse).once('error', refuse);
    look();
  });
}

function explainRefusal({ lack, paths }: TlsFiles, description: string, cause?: Error): LibvirtConnectionError {
  if (lack !== null) {
    const message = `${description} does not let us in: ${lack.message}`;
    return new LibvirtConnectionError(lack.reason, message, { cause, hint: lack.hint });
  }
  return new LibvirtConnectionError('auth-failed', `${description} does not take our certificate, ${paths.cert}`, {
    cause,
    hint: 'Its authority must be the one in that daemon’s ca_file, and its name in tls_allowed_dn_list where that is set.',
  });
}
