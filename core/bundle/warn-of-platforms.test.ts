import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorkshop, type Workshop } from './testing/bundle-and-open.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(() => shop.close());

const warnings = async (handler: string, config?: object) =>
  (await shop.bundle(handler, config)).warnings.map(({ line, column, message }) => `${line}:${column} ${message}`);

describe('a handler in the form of another platform is warned of', () => {
  it.each([
    ['Lambda', 'export default () => ({ statusCode: 404 });', /^1:25 .*"convention": "lambda"/],
    [
      'Azure 3',
      'export default async (context: any) => {\n  context.res = { status: 1 };\n};',
      /^2:3 `context.res` is of Azure/,
    ],
    ['Azure 4', 'export default async () => ({ status: 200, jsonBody: { a: 1 } });', /^1:44 `jsonBody`/],
    [
      'Express',
      'export default function handler(req: any, res: any) { res.status(200).json({}); }',
      /^1:55 The second parameter/,
    ],
    [
      'Google',
      'const f = async (req: any, res: any) => {\n  res.send("x");\n};\nexport default f;',
      /^2:3 The second parameter/,
    ],
    ['Next.js', 'export { go as default };\nfunction go(q, reply) { reply.end(); }', /^2:25 The second parameter/],
    [
      'Netlify',
      'export default async (req: any) => Response.json(await req.json());',
      /^1:56 The first parameter is the event/,
    ],
    ['a worker', 'export default async (r: any) => r.headers.get("a");', /^1:34 The first parameter is the event/],
  ])('of %s', async (_, handler, message) => {
    expect(await warnings(handler)).toEqual([expect.stringMatching(message)]);
    const onNanos = await warnings(handler, { runtime: 'nanos' });
    expect(onNanos).toEqual([expect.stringMatching(message)]);
  });

  it.each([
    [
      'fields of the event by such names',
      'export default (event: any) => event.json + event.url + event.headers["a"] + event.body;',
    ],
    [
      'a response of its own',
      'export default async (event: any) => { const res = await Promise.resolve({ json: () => 1 }); return res.json(); };',
    ],
    [
      'another function’s parameters',
      'const log = (a: any, res: any) => res.send(a);\nexport default (event: any) => typeof log;',
    ],
    [
      'a Request made of the event',
      'export default async (event: any) => { const request = new Request("http://a", event); return request.text(); };',
    ],
  ])('and not %s', async (_, handler) => {
    expect(await warnings(handler)).toEqual([]);
  });

  it('and the Request that is advised is one', async () => {
    const { call } = await shop.open(
      `export default async (event: any) => { const r = new Request(new URL(event.path, "http://localhost"), event); return new Response(r.method + r.url + await r.text() + r.headers.get("x")); };`,
    );
    const event = { path: '/a/b', query: {}, headers: { x: 'y' } };
    expect((await call({ ...event, method: 'POST', body: 'text' })).body).toBe('POSThttp://localhost/a/btexty');
    expect((await call({ ...event, method: 'GET', body: null })).body).toBe('GEThttp://localhost/a/by');
  });

  it('names the export that another framework would call', async () => {
    const failure = shop.bundle('export const GET = (request: Request) => new Response(request.url);');
    await expect(failure).rejects.toMatchObject({
      code: 'EXPORT_MISSING',
      hint: expect.stringContaining('GET(new Request('),
    });
  });
});
