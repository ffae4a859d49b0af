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
  /** Issues another certificate for the key of one end. Shape: its path. */
  readonly reissue: (end: 'server' | 'client', days: number) => string;
  /** Writes the list with the server's certificate as the only revoked one. Shape: its path. */
  readonly revokeServer: () => string;
}

const extensions = {
  server: 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n',
  client: 'extendedKeyUsage=clientAuth\n',
};

/** New certificates in `dir`, made by openssl. */
export function makeCertificates(dir: string): Certificates {
  mkdirSync(dir, { recursive: true });
  const at = (name: string) => join(dir, name);
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const self = ['-days', '2', '-subj', '/CN=Firstlight test', '-keyout', 'cakey.pem', '-out', 'cacert.pem'];
  run('req', '-x509', ...newKey, ...self);
  const issue = (end: 'server' | 'client', days: number, out: string) => {
    const authority = ['-CA', 'cacert.pem', '-CAkey', 'cakey.pem', '-CAcreateserial', '-days', String(days)];
    run('x509', '-req', '-in', `${end}.csr`, ...authority, '-extfile', `${end}.ext`, '-out', out);
    return at(out);
  };
  for (const end of ['server', 'client'] as const) {
    writeFileSync(at(`${end}.ext`), extensions[end]);
    const subject = end === 'server' ? '/CN=127.0.0.1' : '/CN=client';
    run('req', ...newKey, '-subj', subject, '-keyout', `${end}key.pem`, '-out', `${end}.csr`);
    issue(end, 2, `${end}cert.pem`);
  }
  return {
    ...{ ca: at('cacert.pem'), serverCert: at('servercert.pem'), serverKey: at('serverkey.pem'), clientDir: dir },
    reissue: (end, days) => issue(end, days, `${end}cert-${days}.pem`),
    revokeServer: () => {
      const section = 'database = index\ncrlnumber = number\ndefault_md = sha256\ndefault_crl_days = 2\n';
      writeFileSync(at('ca.conf'), `[ca]\ndefault_ca = test\n[test]\n${section}`);
      writeFileSync(at('index'), '');
      writeFileSync(at('number'), '01\n');
      const authority = ['-config', 'ca.conf', '-cert', 'cacert.pem', '-keyfile', 'cakey.pem'];
      run('ca', ...authority, '-revoke', 'servercert.pem');
      run('ca', ...authority, '-gencrl', '-out', 'revoked.pem');
      return at('revoked.pem');
    },
  };
}
