import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { LibvirtConnectionError } from './errors.ts';
import type { Transport } from './transport.ts';

/** A host behind TLS, and where our certificates lie. */
export interface TlsTarget {
  host: string;
  port?: number | undefined;
  /** The folder of cacert.pem, clientcert.pem and clientkey.pem. Absent: libvirt's own places. */
  pkiPath?: string | undefined;
  uid: number;
}

/** The port of libvirt's TLS. */
const defaultPort = 16_514;

/** The files for TLS. */
export interface TlsFiles {
  ca: string;
  cert: string;
  key: string;
}

/** The places of certificates, in the order in which libvirt's client looks. Source: libvirt, "TLS". */
export function placesOfTlsFiles({ pkiPath, uid }: Pick<TlsTarget, 'pkiPath' | 'uid'>, home = homedir()): TlsFiles[] {
  const inOne = (dir: string) => ({
    ca: join(dir, 'cacert.pem'),
    cert: join(dir, 'clientcert.pem'),
    key: join(dir, 'clientkey.pem'),
  });
  if (pkiPath !== undefined) return [inOne(pkiPath)];
  const system = {
    ca: '/etc/pki/CA/cacert.pem',
    cert: '/etc/pki/libvirt/clientcert.pem',
    key: '/etc/pki/libvirt/private/clientkey.pem',
  };
  return uid === 0 ? [system] : [inOne(join(home, '.pki/libvirt')), system];
}

/** A transport over TLS, both ends with certificates. Errors: LibvirtConnectionError; see its `reason`. */
export function tlsTransport(target: TlsTarget): Transport {
  const { host, port = defaultPort } = target;
  const description = `${host}:${port}`;
  return {
    description,
    connect: async (signal) => {
      const files = await readFiles(target);
      const socket = await handshake({ host, port, ...files }, description, signal);
      await confirmed(socket, description, signal);
      return socket;
    },
  };
}

async function readFiles(target: TlsTarget): Promise<{ ca: Buffer; cert: Buffer; key: Buffer }> {
  const places = placesOfTlsFiles(target);
  let failure: unknown;
  for (const { ca, cert, key } of places) {
    try {
      const [caText, certText, keyText] = await Promise.all([readFile(ca), readFile(cert), readFile(key)]);
      return { ca: caText, cert: certText, key: keyText };
    } catch (error) {
      failure ??= error;
    }
  }
  const why = failure instanceof Error ? failure.message : String(failure);
  throw new LibvirtConnectionError('auth-failed', `no certificates for TLS: ${why}`, {
    cause: failure,
    hint: `They are looked for as ${places.map(({ ca, cert, key }) => `${ca}, ${cert}, ${key}`).join('; ')}; ?pkipath= names a folder.`,
  });
}

function handshake(
  options: { host: string; port: number; ca: Buffer; cert: Buffer; key: Buffer },
  description: string,
  signal?: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = connectTls({ ...options, minVersion: 'TLSv1.2' });
    const onAbort = () => {
      socket.destroy();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('secureConnect', () => {
      signal?.removeEventListener('abort', onAbort);
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      signal?.removeEventListener('abort', onAbort);
      reject(explain(cause, description));
    });
  });
}

/** Waits for the byte by which the daemon says that it takes our certificate. Source: libvirt, virNetTLSSession. */
function confirmed(socket: TLSSocket, description: string, signal?: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const refuse = (cause?: Error) =>
      reject(
        new LibvirtConnectionError('auth-failed', `${description} does not take our certificate`, {
          cause,
          hint: 'Its authority must be the one in the daemon’s ca_file, and its name in tls_allowed_dn_list where that is set.',
        }),
      );
    const finish = (settle: () => void) => {
      signal?.removeEventListener('abort', onAbort);
      for (const name of ['readable', 'end', 'error', 'close']) socket.removeAllListeners(name);
      settle();
    };
    const onAbort = () => {
      socket.destroy();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const look = () => {
      const byte: Buffer | null = socket.read(1);
      if (byte === null) return;
      finish(() => (byte[0] === 1 ? resolve(socket) : refuse()));
    };
    socket.on('readable', look);
    socket.once('error', (error) => finish(() => refuse(error)));
    socket.once('end', () => finish(() => refuse()));
    look();
  });
}

function explain(cause: NodeJS.ErrnoException, description: string): LibvirtConnectionError {
  const code = cause.code ?? '';
  if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code)) {
    return new LibvirtConnectionError(
      'auth-failed',
      `${description} has a certificate that is not trusted: ${cause.message}`,
      {
        cause,
        hint: 'It must be of the authority in cacert.pem, and name the host as the URI does.',
      },
    );
  }
  if (code.startsWith('ERR_SSL') || code === 'EPROTO') {
    return new LibvirtConnectionError('auth-failed', `TLS with ${description} failed: ${cause.message}`, { cause });
  }
  return new LibvirtConnectionError('connect-failed', `cannot connect to ${description}: ${cause.message}`, {
    cause,
    hint: 'Does its libvirt listen for TLS? libvirtd --listen with listen_tls, or systemctl start libvirtd-tls.socket.',
  });
}
