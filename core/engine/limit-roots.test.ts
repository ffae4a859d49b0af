import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CallContext, Engine, EngineStream } from '#shared/contract/index.ts';
import { limitRoots } from './limit-roots.ts';

let home: string;
let asked: unknown[];
let engine: Engine;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fl-roots-'));
  asked = [];
  const calls = new Proxy({}, { get: (_, name) => async () => asked.push(name), ownKeys: () => [] });
  const all = { calls, streams: calls, listen: () => () => undefined } as unknown as Engine;
  engine = limitRoots(
    all,
    () => [home],
    () => 'Pick it.',
  );
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const context = { signal: new AbortController().signal, progress: () => undefined } as unknown as CallContext;
const call = (name: keyof Engine['calls'], input: object) => engine.calls[name]?.(input as never, context);

it('opens what lies under a root, also what is not there yet', async () => {
  await call('projects:open', { dir: home });
  await call('projects:create', { dir: join(home, 'a/b') });
  await call('images:extract', { image: { imageId: 'x' }, to: join(home, 'out') });
  await call('imports:examine', { source: 'docker://registry/app:1' });
  expect(asked).toEqual(['projects:open', 'projects:create', 'images:extract', 'imports:examine']);
});

it.each([
  ['projects:open', { dir: '/' }],
  ['projects:open', { dir: '/etc' }],
  ['projects:create', { dir: '/etc/new' }],
  ['imports:examine', { source: '/etc/passwd' }],
  ['imports:examine', { source: '../../etc/passwd', cwd: '/usr/lib' }],
  ['imports:create', { source: 'oci:/etc/image:latest' }],
  ['images:text', { image: { path: '/dev/sda' }, path: '/' }],
  ['images:extract', { image: { imageId: 'x' }, to: '/etc/cron.d' }],
  ['kernels:install', { runtime: 'nanos', from: '/root' }],
  ['deploy:start', { signKey: '/etc/ssl/private/key.pem' }],
  ['deploy:manifests', { signKey: '/root/key.pem' }],
  ['deploy:save', { to: '/etc/layout' }],
  ['images:diff', { image: { imageId: 'x' }, other: { path: '/dev/sda' } }],
  ['images:diff', { image: { path: '/dev/sda' }, other: { imageId: 'x' } }],
  ['imports:examine', { source: 'config.json', program: '/etc/shadow', cwd: '/' }],
  ['targets:add', { kind: 'kubernetes', kubeconfig: '/etc/kubernetes/admin.conf', registryCa: null }],
  ['targets:add', { kind: 'kubernetes', kubeconfig: null, registryCa: '/etc/ssl/ca.pem' }],
] as const)('refuses %s of %j', async (name, input) => {
  await expect(call(name, input)).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
  expect(asked).toEqual([]);
});

it('refuses the stream of a file of an image that is elsewhere', async () => {
  const input = { image: { path: '/dev/sda' }, path: '/', partition: 'root' } as const;
  await expect(engine.streams['images:bytes'](input, {} as EngineStream)).rejects.toMatchObject({
    code: 'PATH_ESCAPES',
  });
  await engine.streams['images:bytes']({ ...input, image: { path: join(home, 'app.img') } }, {} as EngineStream);
  expect(asked).toEqual(['images:bytes']);
});

it('refuses a link under a root that leads out, and a folder whose name only begins like the root', async () => {
  symlinkSync('/etc', join(home, 'link'));
  await expect(call('projects:open', { dir: join(home, 'link') })).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
  mkdirSync(`${home}-other`);
  try {
    await expect(call('projects:open', { dir: `${home}-other` })).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
  } finally {
    rmSync(`${home}-other`, { recursive: true });
  }
});
