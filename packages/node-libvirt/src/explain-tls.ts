import { LibvirtConnectionError } from './errors.ts';
import { expiryOfAuthority, type TlsFiles } from './tls-files.ts';

/** The error for a handshake that failed. `cause` has the code of OpenSSL or of the system. */
export function explainTls(
  cause: NodeJS.ErrnoException & { reason?: string },
  description: string,
  files: TlsFiles,
): LibvirtConnectionError {
  const refuse = (message: string, hint?: string) =>
    new LibvirtConnectionError('auth-failed', message, { hint, cause });
  const { code = '', message, reason = message } = cause;
  const { ca, crl } = files.paths;
  const itsCertificate = `${description} has a certificate that`;
  if (code === 'CERT_HAS_EXPIRED') {
    const expiry = expiryOfAuthority(files);
    return expiry === null
      ? refuse(
          `${itsCertificate} has expired`,
          'Have it issued anew (servercert.pem there), and restart that libvirt. If it is valid, the clock here is wrong.',
        )
      : refuse(`the certificate of the authority, ${ca}, has expired on ${expiry}`, 'Copy the new one of that host.');
  }
  if (code === 'CERT_NOT_YET_VALID')
    return refuse(`${itsCertificate} is not valid yet`, 'A clock is wrong: here or there.');
  if (code === 'CERT_REVOKED') return refuse(`${itsCertificate} is revoked by ${crl}`, 'Have it issued anew.');
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return refuse(
      `${itsCertificate} does not name it: ${reason.replace(/\.$/, '')}`,
      'Write the host in the URI as its certificate does, or have one issued with that name in subjectAltName.',
    );
  }
  if (code.includes('CRL')) {
    return refuse(
      `the list of revoked certificates, ${crl}, cannot be used: ${message}`,
      'Have the authority issue it anew.',
    );
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO/.test(code)) {
    return refuse(
      `${itsCertificate} is not trusted, since it is not of the authority in ${ca}: ${message}`,
      'Copy the certificate of the authority that issued it to that place. If you expected the present one, it may be another machine.',
    );
  }
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_OSSL') || code === 'EPROTO') {
    return refuse(
      `TLS with ${description} failed: ${message}`,
      'Does libvirt listen for TLS there, and not something else?',
    );
  }
  return new LibvirtConnectionError('connect-failed', `cannot connect to ${description}: ${message}`, {
    cause,
    hint: 'Does its libvirt listen for TLS? libvirtd --listen with listen_tls, or systemctl start libvirtd-tls.socket.',
  });
}
