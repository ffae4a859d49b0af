import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtimes } from '#core/engine/runtimes.ts';
import { bundlings } from '#core/runtimes/testing/bundlings.ts';
import { locateResources } from '#core/store/resources.ts';
import { createBundler } from '../../core/bundle/bundler.ts';
import { readProject } from '../../core/projects/project-service.ts';
import { createLayout } from '../../core/store/layout.ts';
import { Functions } from './functions.ts';
import type { Machine } from './machine.ts';

const addresses = [
  'https://user:pa%20ss@EXAMPLE.org:443/a/./b/../c?d=e&f=g%20h#i j',
  'http://[2001:DB8::1]:8080/',
  'http://0x7f.1/',
  'data:text/plain,hé',
  'http://a b/',
  '//no-base',
  'file:///a/../b',
  'https://münchen.example/ü?ü#ü',
];

const source = `
const read = (text: string) => {
  const { href, origin, host, port, pathname, search, hash, searchParams } = new URL(text);
  return { href, origin, host, port, pathname, search, hash, params: [...searchParams] };
};
const cases: Record<string, (event: any) => unknown> = {
  urls: ({ addresses }) => addresses.map((text: string) => {
    try { return read(text); } catch (error) { return (error as Error).name; }
  }),
  params: () => {
    const params = new URLSearchParams({ q: 'a b&c', é: '€' });
    params.append('q', '2');
    params.sort();
    return Response.json({ text: String(params), all: params.getAll('q') }, { status: 201, headers: { 'X-A': 'b' } });
  },
  text: async () => new Response('héllo', { headers: [['x-b', '1'], ['x-b', '2']] }),
  bytes: () => new Response(new Uint8Array([0, 255]).subarray(1)),
  none: () => new Response(null, { status: 204 }),
  redirect: () => Response.redirect('/there', 303),
  request: async (event) => {
    const request = new Request(new URL(event.path, 'http://localhost'), { method: 'post', body: JSON.stringify(event) });
    return [request.method, request.url, (await request.json() as any).path];
  },
  read: async () => { const response = new Response('a'); await response.text(); return response; },
  wrong: () => new URL('nowhere'),
  shown: () => { console.log(new URL('http://a/b?c'), new URLSearchParams('a=b'), [new URL('http://d')], {}); },
};
export default (event: any) => cases[event.run]!(event);
`;

const functions = new Functions();
let home: string;
let guest: Machine;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-web-'));
  const layout = createLayout({ home, env: {}, uid: 1000 });
  const bundler = createBundler({ layout, version: 'test', shimsDir: locateResources().shimsDir, runtimes: bundlings });
  await writeFile(join(home, 'firstlight.json'), '{"name":"web"}');
  await writeFile(join(home, 'handler.ts'), source);
  const request = { signal: new AbortController().signal, progress: () => undefined };
  const { bundle } = await bundler.bundle(await readProject(home, runtimes), request);
  await bundler.close();
  guest = await functions.boot(bundle.code);
  await guest.hello();
});
afterAll(async () => {
  await functions.close();
  await rm(home, { recursive: true, force: true });
});

async function answerTo(run: string) {
  const frame = await guest.invoke({ run });
  if (frame.type === 'error') throw new Error(frame.message);
  return { status: frame.status, headers: frame.headers, body: Buffer.from(frame.body) };
}

describe('a URL in the guest', () => {
  it('is read as Node reads it', async () => {
    const expected = addresses.map((text) => {
      if (!URL.canParse(text)) return 'TypeError';
      const { href, origin, host, port, pathname, search, hash, searchParams } = new URL(text);
      return { href, origin, host, port, pathname, search, hash, params: [...searchParams] };
    });
    expect(JSON.parse(await guest.answer({ run: 'urls', addresses }))).toEqual(expected);
  });

  it('that is none is a TypeError', async () => {
    expect(await guest.fails({ run: 'wrong' })).toMatchObject({ code: 'FUNCTION_THREW', name: 'TypeError' });
  });

  it('is shown by console.log', async () => {
    await guest.invoke({ run: 'shown' });
    expect(guest.console()).toContain('URL http://a/b?c URLSearchParams a=b [ URL http://d/ ] {}');
  });
});

describe('a Response that the handler returns', () => {
  it('is sent as such', async () => {
    const params = await answerTo('params');
    expect(params).toMatchObject({ status: 201, headers: { 'x-a': 'b', 'content-type': 'application/json' } });
    expect(JSON.parse(params.body.toString())).toEqual({ text: 'q=a+b%26c&q=2&%C3%A9=%E2%82%AC', all: ['a b&c', '2'] });
    const text = await answerTo('text');
    expect(text).toMatchObject({ status: 200, headers: { 'x-b': '1, 2' } });
    expect(text.body.toString()).toBe('héllo');
    expect([...(await answerTo('bytes')).body]).toEqual([255]);
    expect(await answerTo('none')).toMatchObject({ status: 204, headers: {}, body: Buffer.alloc(0) });
    expect(await answerTo('redirect')).toMatchObject({ status: 303, headers: { location: '/there' } });
  });

  it('is an error when its body was read', async () => {
    expect((await guest.fails({ run: 'read' })).message).toContain('has been read already');
  });
});

describe('a Request', () => {
  it('can be made of an event', async () => {
    expect(JSON.parse(await guest.answer({ run: 'request', path: '/a?b' }))).toEqual([
      'POST',
      'http://localhost/a?b',
      '/a?b',
    ]);
  });
});
