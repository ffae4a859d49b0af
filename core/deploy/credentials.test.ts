import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRegistryCredentials } from './credentials.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-helper-'));
  mkdirSync(join(dir, '.docker'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const configure = (config: object) => writeFileSync(join(dir, '.docker/config.json'), JSON.stringify(config));
function addHelper(name: string, script: string): void {
  const path = join(dir, `docker-credential-${name}`);
  writeFileSync(path, `#!/bin/sh\nread -r key\necho "$key" >> ${dir}/asked\n${script}\n`);
  chmodSync(path, 0o755);
}
const find = (host: string) => findRegistryCredentials(host, { HOME: dir, PATH: `${dir}:/usr/bin:/bin` });
const asked = () => readFileSync(join(dir, 'asked'), 'utf8').trim().split('\n');
const textOf = (credentials: string | null) => Buffer.from(credentials ?? '', 'base64').toString();
const notFound = 'echo "credentials not found in native keychain"; exit 1';

describe('the login for a registry that a credential helper keeps', () => {
  it('is asked for by the name that docker keeps it under, also that of its own registry', async () => {
    addHelper('own', `echo '{"Username":"ada","Secret":"s3cret"}'`);
    addHelper('other', notFound);
    for (const config of [
      { credsStore: 'own' },
      { credsStore: 'other', credHelpers: { 'https://index.docker.io/v1/': 'own' } },
    ]) {
      configure(config);
      expect(textOf(await find('docker.io'))).toBe('ada:s3cret');
    }
    expect(textOf(await find('ghcr.io'))).toBe('');
    expect(asked()).toEqual(['https://index.docker.io/v1/', 'https://index.docker.io/v1/', 'ghcr.io']);
  });

  it('may be under podman’s name for that', async () => {
    addHelper('own', `[ "$key" = docker.io ] || { ${notFound}; }\necho '{"Username":"<token>","Secret":"identity"}'`);
    configure({ credHelpers: { 'docker.io': 'own' } });
    expect(textOf(await find('docker.io'))).toBe('<token>:identity');
  });

  it('comes from a file where the helper does not work, and else the error names the helper', async () => {
    configure({ credsStore: 'gone', auths: { 'ghcr.io': { auth: 'eDp5' } } });
    expect(await find('ghcr.io')).toBe('eDp5');
    await expect(find('registry.test')).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      message: expect.stringContaining('registry.test is kept by docker-credential-gone, which is not installed'),
    });
  });

  it.each([
    ['echo \'{"Secret":"s3cret"}\'; echo locked >&2; exit 2', /docker-credential-bad, which gave none .*locked/],
    ['echo "s3cret"; exit 1', /docker-credential-bad, which gave none/],
    ['echo \'{"Secret":"s3cret"}\'', /docker-credential-bad, which printed no login/],
  ])('of a helper that fails is no secret in an error: %s', async (script, words) => {
    addHelper('bad', script);
    configure({ credsStore: 'bad' });
    const error = await find('registry.test').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'REGISTRY_DENIED', message: words });
    expect(inspect(error, { depth: null })).not.toContain('s3cret');
  });
});
