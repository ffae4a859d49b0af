import { beforeEach, expect, it } from 'vitest';
import { type CallContext, calls, type Engine, streams } from '#shared/contract/index.ts';
import { limitPrograms, programCalls } from './limit-programs.ts';
import { rootedCalls, rootedStreams } from './limit-roots.ts';

let asked: [string, unknown][];
let engine: Engine;
beforeEach(() => {
  asked = [];
  const all = new Proxy({}, { get: (_, name) => async (input: unknown) => asked.push([String(name), input]) });
  engine = limitPrograms({ calls: all, streams: {}, listen: () => () => undefined } as unknown as Engine, (path) =>
    path.startsWith('/picked/'),
  );
});

const context = { signal: new AbortController().signal, progress: () => undefined } as unknown as CallContext;
const call = (name: (typeof programCalls)[number], input: object) => engine.calls[name](input as never, context);
const cluster = { name: 'home', kind: 'kubernetes', registry: 'r/x', kubeconfig: null };

it.each([
  ['hosts:add', { name: 'a', uri: 'qemu+ssh://a/system?command=/tmp/run' }],
  ['hosts:add', { name: 'a', uri: 'qemu+ssh://a/system?COMMAND=/tmp/run' }],
  ['hosts:add', { name: 'a', uri: 'qemu+ssh://a/system?mode=direct&keyfile=/root/key' }],
  ['hosts:add', { name: 'a', uri: 'qemu+ssh://a/system?no_verify=1' }],
  ['hosts:add', { name: 'a', uri: 'qemu+tls://a/system?pkipath=/root/pki' }],
  ['hosts:add', { name: 'a', uri: 'qemu+unix:///system?socket=/tmp/s' }],
  ['targets:add', { name: 'lab', kind: 'libvirt', uris: ['qemu+ssh://a/system', 'qemu+ssh://b/system?command=x'] }],
  ['settings:set', { values: { studio: {}, firecracker: '/tmp/run' } }],
  ['settings:set', { values: { jailer: '/tmp/run' } }],
  ['settings:set', { values: { hosts: [{ name: 'a', uri: 'qemu+ssh://a/system?command=x' }] } }],
  ['settings:set', { values: { 'tokenService ghcr.io': 'https://evil.example' } }],
] as const)('refuses %s of %j', async (name, input) => {
  await expect(call(name, input)).rejects.toMatchObject({ code: 'PATH_ESCAPES', hint: expect.stringMatching(/./) });
  expect(asked).toEqual([]);
});

it('lets through what starts nothing but what libvirt, ssh and the cluster’s own users are for', async () => {
  await call('hosts:add', { name: 'a', uri: 'qemu+ssh://root@a/system?mode=legacy' });
  await call('targets:add', { name: 'lab', kind: 'libvirt', uris: ['qemu+tls://a/system'] });
  await call('settings:set', { values: { studio: { theme: 'dark' }, 'tokenService ghcr.io': null } });
  expect(asked.map(([name]) => name)).toEqual(['hosts:add', 'targets:add', 'settings:set']);
});

it('marks a target whose kubeconfig nobody has picked, whatever the page says of it', async () => {
  await call('targets:add', { ...cluster, contained: false });
  await call('targets:add', { ...cluster, kubeconfig: '/home/ada/p/config', contained: false });
  await call('targets:add', { ...cluster, kubeconfig: '/picked/config', contained: true });
  expect(asked.map(([, input]) => input)).toEqual([
    cluster,
    { ...cluster, kubeconfig: '/home/ada/p/config', contained: true },
    { ...cluster, kubeconfig: '/picked/config' },
  ]);
});

// Whoever adds a call decides here whether a page may make it with any input.
it('judges every call and stream of the contract', () => {
  const harmless = `app:info settings:get projects:list projects:templates projects:trust projects:close projects:files
    projects:readFile projects:writeFile projects:createFile projects:renameFile projects:deleteFile projects:search
    projects:types images:list images:remove images:prune imports:toOps builds:build builds:prestart
    instances:list instances:run instances:invoke instances:suspend instances:resume instances:stop instances:remove
    instances:describe metrics:recent runs:list runs:get runs:rename runs:remove doctor:run doctor:fix runtimes:list
    kernels:list kernels:use kernels:remove volumes:list volumes:create volumes:remove hosts:list hosts:remove
    targets:list targets:remove targets:test deploy:preview deploy:list deploy:get deploy:history deploy:rollback
    deploy:pause deploy:scale deploy:traffic deploy:remove deploy:coldStart deploy:stats deploy:invoke
    gateway:status gateway:start gateway:stop`.split(/\s+/);
  const judged = [...rootedCalls, ...programCalls, ...harmless];
  expect(Object.keys(calls).filter((name) => !judged.includes(name))).toEqual([]);
  const harmlessStreams = ['console:attach', 'console:replay', 'deploy:watch', 'deploy:logs', 'deploy:console'];
  expect(Object.keys(streams).filter((name) => ![...rootedStreams, ...harmlessStreams].includes(name))).toEqual([]);
});
