import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFunction } from '../runtimes/ember/testing/open-function.ts';
import { answerIn, inNode } from './testing/answer-in.ts';
import { openWorkshop, type Workshop } from './testing/bundle-and-open.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(() => shop.close());

const answerOf = (body: string, event?: unknown) => answerIn(shop, body, event);

describe('events', () => {
  it('abort', async () => {
    const body = `
      const controller = new AbortController(); const seen = [];
      controller.signal.addEventListener('abort', (e) => seen.push(e.type, e.target === controller.signal), { once: true });
      controller.signal.onabort = () => seen.push('on');
      controller.abort(); controller.abort();
      const any = AbortSignal.any([AbortSignal.timeout(5), new AbortController().signal]);
      await new Promise((r) => any.addEventListener('abort', r));
      let thrown; try { controller.signal.throwIfAborted(); } catch (e) { thrown = e.name; }
      return [seen, any.reason.name, thrown, AbortSignal.abort('why').reason];`;
    expect(await answerOf(body)).toEqual(await inNode(body));
  });

  it('are dispatched', async () => {
    const body = `
      class Bus extends EventTarget {}
      const bus = new Bus(); const seen = [];
      const controller = new AbortController();
      bus.addEventListener('a', { handleEvent: (e) => seen.push(e.detail) });
      bus.addEventListener('a', (e) => { e.preventDefault(); e.stopImmediatePropagation(); });
      bus.addEventListener('a', () => seen.push('never'));
      bus.addEventListener('b', () => seen.push('b'), { signal: controller.signal });
      controller.abort();
      const kept = bus.dispatchEvent(new CustomEvent('a', { detail: 5, cancelable: true }));
      bus.dispatchEvent(new Event('b'));
      return [seen, kept];`;
    expect(await answerOf(body)).toEqual(await inNode(body));
  });

  it('refuse what the standard refuses, and have what it has', async () => {
    const body = `
      const failed = (act) => { try { act(); return null; } catch (error) { return error.name; } };
      const sent = new Event('a', { cancelable: true });
      const phases = [];
      const bus = new EventTarget();
      bus.addEventListener('a', (e) => { phases.push(e.eventPhase, e.isTrusted); e.preventDefault(); e.cancelBubble = true; });
      bus.dispatchEvent(sent);
      const controller = new AbortController();
      const order = [];
      const any = AbortSignal.any([controller.signal]);
      any.addEventListener('abort', (e) => order.push('any', e.isTrusted));
      controller.signal.addEventListener('abort', () => order.push('own'));
      controller.abort();
      return [
        failed(() => new Event()), failed(() => new Event('a', 1)), failed(() => bus.addEventListener('a', null, { signal: null })),
        failed(() => new Blob([], 1)), failed(() => new Blob('ab')), failed(() => new File(['a'])), failed(() => new Blob([], { endings: 'x' })),
        phases, sent.defaultPrevented, sent.cancelBubble, sent.eventPhase, Event.AT_TARGET, order,
        structuredClone(new Blob(['a'])) instanceof Blob, new Blob(['abc']).slice(0, 2, null).type,
        String(console), Object.keys(globalThis).includes('console'), new PerformanceMark('m', { startTime: 5 }).startTime,
        failed(() => performance.mark('m', 1)), failed(() => performance.mark('m', { startTime: -1 })),
      ];`;
    expect(await answerOf(body)).toEqual(await inNode(body));
  });

  it('carry messages', async () => {
    const body = `
      const { port1, port2 } = new MessageChannel();
      const got = new Promise((resolve) => { port2.onmessage = (e) => resolve(e.data); });
      port1.postMessage({ a: new Map([[1, 2]]).size });
      const value = await got; port1.close();
      return value;`;
    expect(await answerOf(body)).toEqual({ a: 1 });
  });
});

describe('streams', () => {
  it('flow, compress and decode', async () => {
    const body = `
      const source = new ReadableStream({ start(c) { c.enqueue('price 5 '); c.enqueue('€'); c.close(); } });
      const packed = source.pipeThrough(new TextEncoderStream()).pipeThrough(new CompressionStream('gzip'));
      const [one, two] = packed.pipeThrough(new DecompressionStream('gzip')).pipeThrough(new TextDecoderStream()).tee();
      let text = ''; for await (const chunk of one) text += chunk;
      const reader = two.getReader(); await reader.read(); reader.releaseLock();
      return text;`;
    expect(await answerOf(body)).toBe('price 5 €');
  });

  it('decode a character that is cut in two', async () => {
    const body = `
      const stream = new ReadableStream({ start(c) { c.enqueue(new Uint8Array([53, 0xe2])); c.enqueue(new Uint8Array([0x82, 0xac])); c.close(); } });
      let text = ''; for await (const chunk of stream.pipeThrough(new TextDecoderStream())) text += chunk;
      return text;`;
    expect(await answerOf(body)).toBe('5€');
  });
});

describe('bodies', () => {
  it('are streams, blobs and forms', async () => {
    const body = `
      const form = new FormData(); form.append('a', 'é'); form.append('f', new Blob(['x\\r\\ny'], { type: 'text/plain' }), 'n.txt');
      const request = new Request('http://a/', { method: 'POST', body: form });
      const back = await request.formData();
      const file = back.get('f');
      const response = new Response(new Blob(['hello']).stream());
      const copy = response.clone();
      return [back.get('a'), file.name, file.type, await file.text(), await response.text(), await copy.text(), response.bodyUsed,
        request.headers.get('content-type').startsWith('multipart/form-data; boundary='), request.signal.aborted];`;
    expect(await answerOf(body)).toEqual(await inNode(body));
  });

  it('of an answer may be a stream', async () => {
    const { call } = await shop.open(
      `export default () => new Response(new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('streamed')); c.close(); } }), { status: 201 });`,
    );
    const { status, body } = await call();
    expect([status, Buffer.from(body as Uint8Array).toString()]).toEqual([201, 'streamed']);
  });
});

describe("Node's modules that need no system", () => {
  it('are there', async () => {
    const source = `
import { join } from 'node:path';
import { EventEmitter, once } from 'events';
import assert from 'node:assert';
import { Buffer } from 'node:buffer';
import util, { inspect, promisify } from 'util';
import querystring from 'node:querystring';
import { parse, fileURLToPath } from 'node:url';
import { StringDecoder } from 'node:string_decoder';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
class Bus extends EventEmitter {}
export default async () => {
  const bus = new Bus(); const got = once(bus, 'a'); bus.emit('a', 1);
  let failed; try { assert.deepStrictEqual({ a: [1] }, { a: [2] }); } catch (e) { failed = e.code; }
  const parts = []; await pipeline(Readable.from(['a', 'b']), new Transform({ objectMode: true, transform(c, _, done) { done(null, String(c).toUpperCase()); } }), async function (from) { for await (const c of from) parts.push(String(c)); });
  await wait(1);
  const decoder = new StringDecoder('utf8');
  return [join('/a', '..', 'b'), await got, failed, Buffer.from('aGk', 'base64url').toString('hex'), global.Buffer === Buffer, Buffer.from([251, 255]).toString('base64url'),
    inspect(new Map([['a', { b: 1 }]])), util.isDeepStrictEqual({ a: 1 }, { a: 1 }), util.format('%s-%d', 'x', 4), await promisify((cb) => cb(null, 3))(), querystring.parse('a=1&b=%20'), parse('http://u@h:1/p?q#f').port, fileURLToPath('file:///a%20b'),
    decoder.write(Buffer.from([0xe2, 0x82])) + decoder.write(Buffer.from([0xac])), createHash('md5').update('a').digest('hex'), createHmac('sha256', 'k').update('a').digest('base64'), randomBytes(4).length, parts];
};`;
    const expected = [
      '/b',
      [1],
      'ERR_ASSERTION',
      '6869',
      true,
      '-_8',
      "Map(1) { 'a' => { b: 1 } }",
      true,
      'x-4',
      3,
      { a: '1', b: ' ' },
      '1',
      '/a b',
      '€',
      '0cc175b9c0f1b6a831c399e269772661',
      'FcU5a2v/oZLU/ogpo8RTCxGbsFZI+QYUeClTEQnVyTs=',
      4,
      ['A', 'B'],
    ];
    const { code, warnings } = await shop.bundle(source);
    const answer = (await (await openFunction(code)).call()).body as unknown[];
    expect(answer.map((value, at) => (at === 15 ? typeof value : value))).toEqual(
      expected.map((value, at) => (at === 15 ? 'string' : value)),
    );
    expect(warnings).toEqual([]);
  });

  it('are taken from the project where it has installed them', async () => {
    await shop.write('node_modules/events/index.js', 'module.exports = { mine: 1 };');
    const { call } = await shop.open(
      'import events from "events"; import path from "node:path"; export default () => [events.mine, path.sep];',
    );
    expect((await call()).body).toEqual([1, '/']);
  });

  it('have secret keys, with which libraries of tokens sign', async () => {
    await shop.write(
      'node_modules/token/index.js',
      `const { KeyObject, createSecretKey, createPrivateKey, createHmac } = require('crypto');
      module.exports = (key) => {
        let made; try { made = createPrivateKey(key); } catch { made = createSecretKey(Buffer.from(key)); }
        return [made instanceof KeyObject, made.type, made.symmetricKeySize, made.equals(createSecretKey('k', 'utf8')), createHmac('sha256', made).update('a').digest('hex')];
      };`,
    );
    const { code, warnings } = await shop.bundle("import token from 'token'; export default () => token('k');");
    const signed = createHmac('sha256', 'k').update('a').digest('hex');
    expect((await (await openFunction(code)).call()).body).toEqual([true, 'secret', 1, true, signed]);
    expect(warnings).toEqual([]);
  });

  it('name what a package takes of them by require, and they lack', async () => {
    await shop.write(
      'node_modules/old/index.js',
      'const { createHash, createSign: sign } = require("crypto"); module.exports = () => [createHash, sign];',
    );
    const { warnings } = await shop.bundle('import a from "old"; export default () => a();');
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^`createSign` of "node:crypto" is not there.*handler\.ts → old\/index\.js/),
    ]);
  });

  it('name what is called of a module as a whole, and not what is asked for first', async () => {
    await shop.write(
      'node_modules/old/index.js',
      `const util = require('util'), crypto = require('crypto'), own = require('./crypto');
       const { createVerify } = crypto;
       if (util.parseEnv) util.parseEnv('');
       module.exports = () => [crypto.createSign('x'), typeof crypto.createECDH === 'function' && crypto.createECDH('x'), own.createDiffieHellman(), require('util').getCallSites()];`,
    );
    await shop.write('node_modules/old/crypto.js', 'exports.createDiffieHellman = () => 1;');
    const { warnings } = await shop.bundle(
      `import * as crypto from 'node:crypto'; import util from 'node:util'; import old from 'old';
       export default (crypto2: any) => [crypto.createECDH('a'), new util.MIMEType('a'), crypto.randomUUID(), crypto2.other(), old()];`,
    );
    const lacks = warnings.map(({ file, message }) => `${file} ${message.split(' is not')[0]}`);
    expect(lacks.sort()).toEqual([
      'handler.ts `MIMEType` of "node:util"',
      'handler.ts `createECDH` of "node:crypto"',
      'node_modules/old/index.js `createSign` of "node:crypto"',
      'node_modules/old/index.js `getCallSites` of "node:util"',
    ]);
  });

  it('name what they lack, and who wants it', async () => {
    await shop.write(
      'node_modules/old/index.js',
      'import { createSign } from "crypto"; export const a = () => createSign("x");',
    );
    const { warnings } = await shop.bundle('import { a } from "old"; export default () => a();');
    expect(warnings).toMatchObject([
      {
        file: 'node_modules/old/index.js',
        message: expect.stringMatching(/^`createSign` of "node:crypto" is not there.*handler\.ts → old\/index\.js/),
      },
    ]);
  });
});

describe('Buffer', () => {
  it('equals bytes of any kind', async () => {
    const body = 'return [Buffer.from("a").equals(new Uint8Array([97])), Buffer.from("a").equals(Buffer.from("b"))];';
    expect(await answerOf(body)).toEqual(await inNode(body));
  });

  it('has the methods that Node.js added later', async () => {
    const body =
      'const b = Buffer.from("0102030405060708", "hex"); b.writeBigUint64LE(b.readBigUint64BE(0)); return [b.toString("hex"), String(b.readBigUint64LE()), Buffer.copyBytesFrom(new Uint16Array([1, 515, 3]), 1, 1).toString("hex"), Buffer.copyBytesFrom(new Uint8Array([1, 2])).length];';
    expect(await answerOf(body)).toEqual(await inNode(body));
  });
});

describe('code that cannot work', () => {
  it('is an error with the chain of imports', async () => {
    await shop.write('node_modules/deep/index.js', 'import "fs"; export default 1;');
    await shop.write('node_modules/top/index.js', 'export { default } from "deep";');
    await expect(shop.bundle('import top from "top"; export default () => top;')).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringMatching(
        /Cannot import "fs".*It is imported by handler\.ts → top\/index\.js → deep\/index\.js\./,
      ),
    });
  });

  it('is a warning where a member of a global is called', async () => {
    const { warnings } = await shop.bundle(
      'export default () => { const x = performance.eventLoopUtilization(); if (process.binding) process.binding("fs"); return [x, process.chdir("/a"), process.platform]; };',
    );
    expect(warnings.map(({ message }) => message.split(':')[0])).toEqual(
      [
        '`performance.eventLoopUtilization` is not there',
        '`process.binding` is not there',
        '`process.chdir` is not there',
      ].filter((words) => !words.includes('binding')),
    );
  });

  it('is a warning where a member of what is missing is used, or a global that only others have', async () => {
    const { warnings } = await shop.bundle(
      'export default () => [process.stdin.on("x", () => {}), process.memoryUsage().rss, Atomics.load, new URLPattern("/a")];',
    );
    expect(warnings.map(({ message }) => message.split(' ')[0])).toEqual(
      ['process.stdin', 'process.memoryUsage', 'Atomics', 'URLPattern'].map((name) => `\`${name}\``),
    );
  });

  it('is a warning where a member of `import.meta` is used, unless the code asks for it', async () => {
    await shop.write(
      'asks.ts',
      'export const a = typeof import.meta.url === "string" ? import.meta.url : (import.meta as any).env?.MODE;',
    );
    const { warnings } = await shop.bundle(
      `import { a } from './asks.ts';
const env = (import.meta as any).env.MODE, place = new URL('./a', import.meta.url);
export default () => [a, env, place, import.meta.dirname ?? '', "see import.meta.url", (import.meta as any).hot];`,
    );
    expect(warnings.map(({ file, line, message }) => `${file}:${line} ${message.split(':')[0]}`)).toEqual([
      'handler.ts:2 `import.meta.env` is not there',
      'handler.ts:2 `import.meta.url` is not there',
    ]);
  });

  it('is a warning where an encoding is named that is not known', async () => {
    const { warnings } = await shop.bundle(
      'export default () => [new TextDecoder("Shift_JIS"), new TextDecoder("latin1"), new TextDecoderStream("koi8-r")];',
    );
    expect(warnings.map(({ column, message }) => [column, message.split(':')[0]])).toEqual([
      [27, 'TextDecoder does not know "Shift_JIS"'],
      [84, 'TextDecoder does not know "koi8-r"'],
    ]);
  });

  it('is a warning where the case of letters is of a language', async () => {
    const { warnings } = await shop.bundle(
      'export default ({ t }: any) => [t.toLocaleUpperCase("tr"), t.toLocaleUpperCase()];',
    );
    expect(warnings.map(({ column, message }) => [column, message.split(' ')[0]])).toEqual([
      [35, '`toLocaleUpperCase`'],
    ]);
  });

  it('is a warning where a language matters', async () => {
    const { warnings } = await shop.bundle(
      'export default ({ n }: any) => [n.toLocaleString("de-DE"), ["b"].sort((a, b) => a.localeCompare(b))];',
    );
    expect(warnings.map(({ message, column }) => [column, message.split(' ')[0]])).toEqual([
      [35, '`toLocaleString`'],
      [83, '`localeCompare`'],
    ]);
    const byCall = await shop.bundle(
      'export default ({ n }: any) => [Number.prototype.toLocaleString.call(n), n.toLocaleDateString?.("de")];',
    );
    expect(byCall.warnings.map(({ column }) => column)).toEqual([50, 76]);
  });

  it('is a warning where a method of languages is taken for later', async () => {
    const { warnings } = await shop.bundle(`const { toLocaleString } = Number.prototype;
const { localeCompare: compare } = String.prototype, format = Date.prototype.toLocaleDateString;
const toLocaleTimeString = 'toLocaleTimeString';
export default ({ n }: any) => [toLocaleString, compare, format, n['toLocaleString'](), { toLocaleTimeString }];`);
    expect(warnings.map(({ line, message }) => [line, message.split(' ')[0]])).toEqual([
      [1, '`toLocaleString`'],
      [2, '`localeCompare`'],
      [2, '`toLocaleDateString`'],
      [4, '`toLocaleString`'],
    ]);
  });

  it('is a warning where a class lacks a static member', async () => {
    const { warnings } = await shop.bundle(
      'export default (b: any) => { /(a)/.exec("a"); if (URL.createObjectURL) b = 1; return [Buffer.from("a"), RegExp.$1, URL.parse(b), Response.json(b), Buffer.transcode(b)]; };',
    );
    expect(warnings.map(({ message }) => message.split(':')[0])).toEqual([
      '`RegExp.$1` is not there',
      '`Buffer.transcode` is not there',
    ]);
  });
});

describe('packages', () => {
  it('are taken in their build for the edge', async () => {
    await shop.link('react');
    await shop.link('react-dom');
    await shop.link('scheduler');
    await shop.write('tsconfig.json', '{"compilerOptions":{"jsx":"react-jsx"}}');
    await shop.write(
      'page.tsx',
      `import { renderToString } from 'react-dom/server';\nexport const page = (name: string) => renderToString(<h1>Hi {name}</h1>);`,
    );
    const { call } = await shop.open(
      `import { page } from './page.tsx';\nexport default () => ({ headers: { 'content-type': 'text/html' }, body: page('you') });`,
    );
    expect((await call()).body).toBe('<h1>Hi <!-- -->you</h1>');
  });

  const cases = '/work/shared/cases';
  const reason = existsSync(`${cases}/node_modules/jose`) ? '' : ` (skipped: no ${cases})`;
  it.skipIf(reason !== '').each([
    ['ember-msgpack', { note: 'n'.repeat(60) }, { bytes: 71, back: { note: 'n'.repeat(60), n: 1 } }],
    ['ember-jose', {}, { a: 1 }],
    ['ember-react19', {}, '<h1>Hi <!-- -->you</h1>'],
    ['ember-table', {}, 'ok'],
  ])(`run as their README says: %s${reason}`, async (name, event, expected) => {
    const { code } = await shop.bundleAt(`${cases}/${name}`);
    expect((await (await openFunction(code)).call(event)).body).toEqual(expected);
  });
});
