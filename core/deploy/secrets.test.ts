import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSecrets, refer } from './secrets.ts';

const dir = mkdtempSync(join(tmpdir(), 'fl-secrets-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A keychain with one entry, in place of the desktop's. */
function keychain(): NodeJS.ProcessEnv {
  const script = `#!/bin/sh
[ "$*" = "lookup service firstlight name db" ] && printf %s 'pass word' || exit 1
`;
  writeFileSync(join(dir, 'secret-tool'), script, { mode: 0o755 });
  return { PATH: `${dir}:/usr/bin:/bin` };
}

describe('the secrets of a deploy', () => {
  it('refer to Secrets of the cluster, and to ours for values of this machine', () => {
    expect(refer('greet', { A: { secret: 'app', key: 'token' }, B: { env: 'X' }, C: { keychain: 'db' } })).toEqual({
      A: { secret: 'app', key: 'token' },
      B: { secret: 'greet-secrets', key: 'B' },
      C: { secret: 'greet-secrets', key: 'C' },
    });
  });

  it('take values from the environment and the keychain', async () => {
    const wanted = { B: { env: 'X' }, C: { keychain: 'db' }, A: { secret: 'app', key: 'token' } };
    const { own } = await readSecrets('greet', wanted, { ...keychain(), X: '' });
    expect(own).toEqual({ B: '', C: 'pass word' });
  });

  it('name what is missing, and the command for it', async () => {
    await expect(readSecrets('greet', { B: { env: 'X' } }, {})).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: 'The variable X is not set; "deploy.secrets.B" needs it.',
    });
    await expect(readSecrets('greet', { C: { keychain: 'other' } }, keychain())).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('The keychain has no "other"'),
      hint: expect.stringContaining('secret-tool store'),
    });
    await expect(readSecrets('greet', { C: { keychain: 'db' } }, { PATH: '/nowhere' })).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      hint: expect.stringContaining('libsecret-tools'),
    });
  });
});
