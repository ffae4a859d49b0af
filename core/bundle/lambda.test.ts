import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFunction } from '../runtimes/ember/testing/open-function.ts';
import { openWorkshop, type Workshop } from './testing/bundle-and-open.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(() => shop.close());

const answers =
  'export const handler = async (event: any) => {\n  return { statusCode: 404, body: event.rawPath + event.httpMethod + event.body };\n};';

describe('an answer as on Lambda', () => {
  it('is warned of when it is built and when it is given', async () => {
    const { code, warnings } = await shop.bundle(`${answers}\nexport default handler;`);
    expect(warnings).toMatchObject([
      { file: 'handler.ts', line: 2, column: 12, message: expect.stringContaining('"convention": "lambda"') },
    ]);
    const open = await openFunction(code);
    expect(await open.call({})).toMatchObject({ status: 200, body: { statusCode: 404 } });
    expect(open.printed()).toContain('"convention": "lambda"');
    await open.call({});
    expect(open.printed()).toBe('');
    expect(
      (await shop.bundle('export default () => { const failure = { statusCode: 5 }; throw failure; };')).warnings,
    ).toEqual([]);
  });

  it('is taken as one where the project says so', async () => {
    const { code, warnings } = await shop.bundle(answers, { convention: 'lambda' });
    expect(warnings).toEqual([]);
    const { call } = await openFunction(code);
    expect(await call({ method: 'POST', path: '/a', query: {}, headers: {}, body: { b: 1 } })).toEqual({
      status: 404,
      headers: { 'content-type': 'application/json' },
      body: '/aPOST{"b":1}',
    });
  });

  it('has several cookies', async () => {
    const source = `export default async () => ({ statusCode: 200, cookies: ['a=b', 'c=d'], body: '' });`;
    const { call } = await openFunction((await shop.bundle(source, { convention: 'lambda' })).code);
    expect((await call()).headers).toMatchObject({ 'set-cookie': 'a=b\nc=d' });
  });

  it('may be bytes, have a cookie, and come by a callback', async () => {
    const source = `export default (event: unknown, context: any, callback: any) => setTimeout(() => callback(null, {
      statusCode: 201, headers: { 'X-A': 1 }, cookies: ['a=b'], body: 'AP8=', isBase64Encoded: true }), 1);`;
    const { call } = await openFunction((await shop.bundle(source, { convention: 'lambda' })).code);
    const { status, headers, body } = await call();
    expect([status, headers, [...(body as Uint8Array)]]).toEqual([
      201,
      { 'x-a': '1', 'set-cookie': 'a=b', 'content-type': 'application/json' },
      [0, 255],
    ]);
  });
});
