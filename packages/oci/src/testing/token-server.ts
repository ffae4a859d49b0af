import { execFileSync } from 'node:child_process';
import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A token service as GitLab has one: it signs what it grants, and the registry checks the signature. */
export interface TokenServer {
  /** As the registry names it: another host name than the registry's own. */
  readonly origin: string;
  /** The part of the registry's configuration that has it trust this server. */
  readonly auth: object;
  /** The `authorization` header of each request. */
  readonly seen: (string | undefined)[];
  readonly stop: () => void;
}

const service = 'test-registry';
const issuer = 'test-issuer';
const base64url = (data: object | Buffer) =>
  (Buffer.isBuffer(data) ? data : Buffer.from(JSON.stringify(data))).toString('base64url');

/** Starts a token server on `localhost` which gives every right to `basic`, base64 of `name:password`, and none to others. */
export async function startTokenServer(dir: string, basic: string): Promise<TokenServer> {
  mkdirSync(dir, { recursive: true });
  const [keyPath, certPath] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-keyout', keyPath, '-out', certPath, '-subj', '/CN=token'];
  execFileSync('openssl', [...request, ...files], { stdio: 'ignore' });
  const key = createPrivateKey(readFileSync(keyPath));
  const x5c = [new X509Certificate(readFileSync(certPath)).raw.toString('base64')];
  const seen: (string | undefined)[] = [];

  const server = createServer((asked, answer) => {
    seen.push(asked.headers.authorization);
    if (asked.headers.authorization !== `Basic ${basic}`) return answer.writeHead(401).end();
    const scopes = new URL(asked.url ?? '/', 'http://localhost').searchParams.getAll('scope');
    const access = scopes.map((scope) => {
      const [type, name, actions = ''] = scope.split(':');
      return { type, name, actions: actions.split(',') };
    });
    const now = Math.floor(Date.now() / 1000);
    const times = { iat: now, nbf: now - 10, exp: now + 300 };
    const claims = { iss: issuer, sub: 'ada', aud: service, ...times, jti: randomUUID(), access };
    const text = `${base64url({ typ: 'JWT', alg: 'ES256', x5c })}.${base64url(claims)}`;
    const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
    return answer.end(JSON.stringify({ token: `${text}.${base64url(signature)}` }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const token = { realm: `${origin}/jwt/auth`, service, issuer, rootcertbundle: certPath };
  return { origin, auth: { auth: { token } }, seen, stop: () => void server.close() };
}
