import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openAccess } from './access.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-access-'));
});
afterEach(() => rmSync(dir, { recursive: true }));
const open = () => openAccess(join(dir, 'studio.json'), () => undefined);

it('keeps token and port from one start to the next, in a file that only its owner reads', async () => {
  const first = await open();
  expect(first.port).toBeNull();
  await first.keepPort(41_234);
  expect(await open()).toMatchObject({ token: first.token, port: 41_234 });
  expect(statSync(join(dir, 'studio.json')).mode & 0o777).toBe(0o600);
});

it('takes others’ permissions away, and sets a file aside that it cannot read', async () => {
  const { token } = await open();
  chmodSync(join(dir, 'studio.json'), 0o644);
  await open();
  expect(statSync(join(dir, 'studio.json')).mode & 0o777).toBe(0o600);
  writeFileSync(join(dir, 'studio.json'), '{ "token": "short" }');
  const next = await open();
  expect(next.token).not.toBe(token);
  expect(readFileSync(join(dir, 'studio.json'), 'utf8')).toContain(next.token);
});

it('gives two processes that start at once the same token', async () => {
  const both = await Promise.all([open(), open()]);
  expect(both[0].token).toBe(both[1].token);
});
