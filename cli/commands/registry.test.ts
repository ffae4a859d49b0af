import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCore } from '#core/engine/create-core.ts';
import { createLayout } from '#core/store/layout.ts';
import { locateResources } from '#core/store/resources.ts';
import { allowedTokenService } from '#core/store/token-services.ts';
import { main } from '../program.ts';
import { createFakeIo } from '../testing/fake-io.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-cli-registry-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function registry(argv: string) {
  const io = createFakeIo();
  // Nothing here starts a machine, so no libvirt is needed.
  const uri = 'qemu+unix:///system?socket=/nonexistent';
  const open = () => createCore({ resources: locateResources(), home, env: {}, uri });
  const exitCode = await main(['registry', ...argv.split(' ')], io, open);
  return { exitCode, out: io.out(), err: io.err() };
}
const allowed = (host: string) => allowedTokenService(createLayout({ home, env: {}, uid: 0 }))(host);

test('a token service is allowed for one registry, listed, and taken back', async () => {
  expect((await registry('ls')).out).toContain('firstlight registry allow');
  expect((await registry('allow registry.example.com https://gitlab.example.com/')).exitCode).toBe(0);
  expect((await registry('allow LAB:5000 https://lab:8443')).exitCode).toBe(0);
  expect(await Promise.all(['registry.example.com', 'lab:5000', 'lab'].map(allowed))).toEqual([
    'https://gitlab.example.com',
    'https://lab:8443',
    null,
  ]);
  expect(JSON.parse((await registry('rm registry.example.com --json')).out)).toEqual({
    removed: 'registry.example.com',
  });
  expect(await allowed('registry.example.com')).toBeNull();
  expect(JSON.parse((await registry('ls --json')).out)).toEqual([
    { registry: 'lab:5000', tokenService: 'https://lab:8443' },
  ]);
  expect(await registry('rm registry.example.com')).toMatchObject({ exitCode: 2 });
});

test.each([
  'allow registry.example.com http://gitlab.example.com',
  'allow registry.example.com https://gitlab.example.com/jwt/auth',
  'allow registry.example.com https://ada@gitlab.example.com',
  'allow registry.example.com gitlab.example.com',
  'allow https://registry.example.com https://gitlab.example.com',
  'allow registry.example.com/team https://gitlab.example.com',
])('%s is refused', async (argv) => {
  expect(await registry(argv)).toMatchObject({ exitCode: 2, err: expect.stringContaining('error[BAD_INPUT]') });
});
