import { describe, expect, it } from 'vitest';
import { findTokenService } from './registry-auth.ts';

const find = (host: string, realm: string, base = `https://${host}`) =>
  findTokenService(realm, new URL(base), host, 'Basic eDp5');

describe('the credentials of a registry', () => {
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
