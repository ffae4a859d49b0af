import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCredentials, findTokenService } from './registry-auth.ts';

const find = (host: string, realm: string, base = `https://${host}`) =>
  findTokenService(realm, new URL(base), host, 'Basic eDp5');

describe('the credentials of a registry', () => {
  it('are not waited for where a FIFO is in place of their file', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fl-auth-'));
    try {
      execFileSync('mkfifo', [join(dir, 'config.json')]);
      expect(await findCredentials('ghcr.io', { HOME: dir, DOCKER_CONFIG: dir })).toMatchObject({ basic: null });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it.each([
    ['ghcr.io', 'https://ghcr.io/token'],
    ['docker.io', 'https://auth.docker.io/token'],
    ['registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
    ['registry.example:5000', 'https://registry.example:5001/token'],
  ])('of %s go to its own realm %s', (host, realm) => {
    expect(find(host, realm)).toMatchObject({ authorization: 'Basic eDp5', isForeign: false });
  });

  it.each([
    ['ghcr.io', 'https://evil.example/token'],
    ['registry.example.com', 'https://gitlab.example.com/jwt'],
    ['registry.gitlab.com', 'https://com/token'],
    ['ghcr.io', 'https://xghcr.io/token'],
    ['ghcr.io', 'https://ghcr.io.evil.example/token'],
    ['ghcr.io', 'https://ghcr.io@evil.example/token'],
    ['10.0.0.1', 'https://10.0.0.2/token'],
  ])('of %s do not go to %s', (host, realm) => {
    expect(find(host, realm)).toMatchObject({ authorization: null, isForeign: true });
  });

  it.each([
    ['https://gitlab.example.com/jwt/auth', true],
    ['https://gitlab.example.com:443/jwt/auth', true],
    ['https://gitlab.example.com:8443/jwt/auth', false],
    ['https://x.gitlab.example.com/jwt/auth', false],
    ['https://gitlab.example.com.evil.example/jwt/auth', false],
    ['https://gitlab.example.com@evil.example/jwt/auth', false],
  ])('of a registry whose token service a person has allowed: to %s %s', (realm, goes) => {
    const allowed = 'https://gitlab.example.com';
    const host = 'registry.example.com';
    const found = findTokenService(realm, new URL(`https://${host}`), host, 'Basic eDp5', allowed);
    expect(found).toMatchObject({ authorization: goes ? 'Basic eDp5' : null, isForeign: !goes });
  });

  it('do not go to an allowed token service over plain HTTP', () => {
    const realm = 'http://gitlab.example.com/jwt';
    const base = new URL('https://registry.example.com');
    expect(() => findTokenService(realm, base, base.host, 'Basic eDp5', new URL(realm).origin)).toThrow(
      expect.objectContaining({ reason: 'registry-unreachable' }),
    );
  });

  it.each([
    ['ghcr.io', 'http://ghcr.io/token'],
    ['ghcr.io', 'http://127.0.0.1:80/token'],
    ['ghcr.io', 'file:///etc/passwd'],
    ['ghcr.io', 'no address'],
    ['127.0.0.1:5000', 'http://registry.example/token'],
  ])('of %s are asked for by %s in vain', (host, realm) => {
    expect(() => find(host, realm)).toThrow(expect.objectContaining({ reason: 'registry-unreachable' }));
  });

  it('go over plain HTTP to a registry that is asked so', () => {
    expect(find('registry.lan:5000', 'http://registry.lan:5000/token', 'http://registry.lan:5000').authorization).toBe(
      'Basic eDp5',
    );
    expect(find('localhost:5000', 'http://localhost:5001/token', 'http://localhost:5000').isForeign).toBe(false);
  });
});
