import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionErrorReason, LibvirtConnectionError } from './errors.ts';

/** What decides where the files for TLS lie. */
export interface TlsPlace {
  /** The folder of cacert.pem, clientcert.pem and clientkey.pem. Absent: libvirt's own places. */
  pkiPath?: string | undefined;
  uid: number;
}

/** The paths of the files for TLS. */
interface TlsPaths {
  ca: string;
  crl: string;
  cert: string;
  key: string;
}

/** A reason why a daemon refuses us, which is known beforehand. */
export interface TlsLack {
  reason: ConnectionErrorReason;
  message: string;
  hint: string;
}

/** The files for TLS, read. */
export interface TlsFiles {
  paths: TlsPaths;
  ca: Buffer;
  /** The certificates that the authority has revoked. */
  crl: Buffer | null;
  /** Null where there is none: not every daemon asks for one. */
  own: { cert: Buffer; key: Buffer } | null;
  /** What is wrong with our certificate, which only counts when the daemon refuses it. */
  lack: TlsLack | null;
}

const system: TlsPaths = {
  ca: '/etc/pki/CA/cacert.pem',
  crl: '/etc/pki/CA/cacrl.pem',
  cert: '/etc/pki/libvirt/clientcert.pem',
  key: '/etc/pki/libvirt/private/clientkey.pem',
};

const inOne = (dir: string): TlsPaths => ({
  ca: join(dir, 'cacert.pem'),
  crl: join(dir, 'cacrl.pem'),
  cert: join(dir, 'clientcert.pem'),
  key: join(dir, 'clientkey.pem'),
});

const exists = async (path: string): Promise<boolean> =>
  await access(path).then(
    () => true,
    () => false,
  );

/** As libvirt's client chooses: a user's own files come first, each for itself, but a certificate with its key. */
async function choosePaths({ pkiPath, uid }: TlsPlace): Promise<TlsPaths> {
  if (pkiPath !== undefined) return inOne(pkiPath);
  if (uid === 0) return system;
  const users = inOne(join(homedir(), '.pki/libvirt'));
  const [hasCa, hasCrl, hasCert, hasKey] = await Promise.all([
    exists(users.ca),
    exists(users.crl),
    exists(users.cert),
    exists(users.key),
  ]);
  const { cert, key } = hasCert && hasKey ? users : system;
  return { ca: hasCa ? users.ca : system.ca, crl: hasCrl ? users.crl : system.crl, cert, key };
}

/** Reads the files for TLS. Errors: LibvirtConnectionError `auth-failed`, `permission-denied`, with the file. */
export async function readTlsFiles(place: TlsPlace): Promise<TlsFiles> {
  const paths = await choosePaths(place);
  const [ca, crl, cert, key] = await Promise.all([
    read(paths.ca, 'the certificate of the authority'),
    read(paths.crl, 'the list of revoked certificates'),
    read(paths.cert, 'our certificate'),
    read(paths.key, 'its private key'),
  ]);
  if (!Buffer.isBuffer(ca)) throw new LibvirtConnectionError(ca.reason, ca.message, { hint: ca.hint });
  parse(ca, paths.ca);
  if (!Buffer.isBuffer(crl) && crl.reason === 'permission-denied') {
    throw new LibvirtConnectionError(crl.reason, crl.message, { hint: crl.hint });
  }
  const common = { paths, ca, crl: Buffer.isBuffer(crl) ? crl : null };
  if (!Buffer.isBuffer(cert)) return { ...common, own: null, lack: cert };
  if (!Buffer.isBuffer(key)) return { ...common, own: null, lack: key };
  const { validFrom, validTo } = checkPair({ cert, key }, paths);
  return { ...common, own: { cert, key }, lack: findDateLack(paths.cert, validFrom, validTo) };
}

/** The bytes of a file, or why there are none. */
async function read(path: string, what: string): Promise<Buffer | TlsLack> {
  try {
    return await readFile(path);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') {
      return {
        reason: 'permission-denied',
        message: `no permission to read ${what}, ${path}`,
        hint: `Make it yours and readable by nobody else (chown, chmod 600), with the folders above it, or have files of your own in ~/.pki/libvirt; ?pkipath= names another folder.`,
      };
    }
    return {
      reason: 'auth-failed',
      message: code === 'ENOENT' ? `${what} is missing: ${path}` : `cannot read ${what}: ${message}`,
      hint: 'libvirt’s own places are ~/.pki/libvirt (not for root), then /etc/pki; ?pkipath= names a folder with cacert.pem, clientcert.pem and clientkey.pem.',
    };
  }
}

function parse(pem: Buffer, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw unusable(`${path} is no certificate`, 'It must be in PEM: -----BEGIN CERTIFICATE-----.', cause);
  }
}

/** Errors: LibvirtConnectionError `auth-failed`: a key that cannot be read, or is of another certificate. */
function checkPair({ cert, key }: { cert: Buffer; key: Buffer }, paths: TlsPaths): X509Certificate {
  const certificate = parse(cert, paths.cert);
  if (key.includes('ENCRYPTED')) {
    throw unusable(
      `the private key ${paths.key} is encrypted`,
      'libvirt’s clients ask for no password: write it without one (openssl pkey), readable by you only.',
    );
  }
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(key);
  } catch (cause) {
    throw unusable(`${paths.key} is no private key`, 'It must be in PEM: -----BEGIN PRIVATE KEY-----.', cause);
  }
  if (certificate.checkPrivateKey(privateKey)) return certificate;
  throw unusable(
    `the private key ${paths.key} is not that of ${paths.cert}`,
    'Copy both anew: they are made together.',
  );
}

const unusable = (message: string, hint: string, cause?: unknown) =>
  new LibvirtConnectionError('auth-failed', message, { hint, cause });

function findDateLack(path: string, validFrom: string, validTo: string): TlsLack | null {
  const isExpired = Date.parse(validTo) < Date.now();
  if (!isExpired && Date.parse(validFrom) <= Date.now()) return null;
  return {
    reason: 'auth-failed',
    message: `our certificate ${path} ${isExpired ? `has expired on ${validTo}` : `is not valid before ${validFrom}`}`,
    hint: 'Have the authority issue it anew; if its dates are right, a clock is wrong.',
  };
}

/** The day on which the certificate of the authority has expired; null while it is valid. */
export function expiryOfAuthority({ ca }: TlsFiles): string | null {
  const { validTo } = new X509Certificate(ca);
  return Date.parse(validTo) < Date.now() ? validTo : null;
}
