import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An authority of its own, a server at 127.0.0.1 and a client, in files of PEM by libvirt's names. */
export interface Certificates {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  /** The folder with cacert.pem, clientcert.pem and clientkey.pem. */
  readonly clientDir: string;
}

/** New certificates in `dir`, made by openssl. */
export function makeCertificates(dir: string): Certificates {
  mkdirSync(dir, { recursive: true });
  const at = (name: string) => join(dir, name);
  const run = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  run(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=Firstlight test',
    '-keyout',
    at('cakey.pem'),
    '-out',
    at('cacert.pem'),
  );
  const issue = (name: string, subject: string, extensions: string) => {
    writeFileSync(at(`${name}.ext`), extensions);
    run('req', ...newKey, '-subj', subject, '-keyout', at(`${name}key.pem`), '-out', at(`${name}.csr`));
    const authority = ['-CA', at('cacert.pem'), '-CAkey', at('cakey.pem'), '-CAcreateserial'];
    run(
      'x509',
      '-req',
      '-in',
      at(`${name}.csr`),
      ...authority,
      '-days',
      '2',
      '-extfile',
      at(`${name}.ext`),
      '-out',
      at(`${name}cert.pem`),
    );
  };
  issue('server', '/CN=127.0.0.1', 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n');
  issue('client', '/CN=client', 'extendedKeyUsage=clientAuth\n');
  return { ca: at('cacert.pem'), serverCert: at('servercert.pem'), serverKey: at('serverkey.pem'), clientDir: dir };
}
