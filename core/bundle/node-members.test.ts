import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorkshop, type Workshop } from './testing/bundle-and-open.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(() => shop.close());

/** Runs a module's default export in the guest's engine and in Node.js. */
async function inBoth(imports: string, body: string): Promise<[here: unknown, inNode: unknown]> {
  const source = `${imports}\nexport default async () => { ${body} };`;
  const here = (await (await shop.open(source)).call()).body;
  await shop.write('in-node.mjs', source);
  const { default: run } = await import(pathToFileURL(join(shop.dir, 'in-node.mjs')).href);
  return [here, JSON.parse(JSON.stringify(await run()))];
}

describe("what Node's modules have, on Ember as in Node.js", () => {
  it('node:util shows values', async () => {
    const [here, there] = await inBoth(
      "import util from 'node:util';",
      `const deep = { a: [1, { b: { c: { d: 1 } } }], e: { f: { g: { h: {} } } } };
       const own = { [util.inspect.custom]: (depth, { stylize }, inspect) => [depth, stylize('x', 'string'), inspect === util.inspect || typeof inspect].join() };
       return [util.inspect(deep), util.inspect(deep, false, null), util.inspect(deep, { depth: 0 }), util.inspect(deep, { depth: Infinity, breakLength: Infinity, compact: true }),
         util.inspect({ a: 1, b: [] }, { compact: false }), util.inspect({ a: { b: {} } }, { breakLength: 10 }), util.inspect(own).split(',').slice(0, 2), util.format('%s %O', deep, deep, deep), util.formatWithOptions({ depth: 0 }, '%o|', 1, deep)];`,
    );
    expect(here).toEqual(there);
  });

  it('node:events waits for events, until a signal ends it', async () => {
    const [here, there] = await inBoth(
      "import { EventEmitter, on, once } from 'node:events';",
      `const bus = new EventEmitter(); const seen = [];
       const fail = async (work) => { try { return ['no error', await work()]; } catch (error) { return [error.name, error.code, error.message]; } };
       setTimeout(() => { bus.emit('x', 1, 2); bus.emit('x', 3); }, 1);
       for await (const args of on(bus, 'x')) { seen.push(args); if (seen.length === 2) break; }
       const abort = new AbortController(); setTimeout(() => abort.abort(), 1);
       seen.push(await fail(async () => { for await (const args of on(bus, 'y', { signal: abort.signal })) seen.push(args); }));
       seen.push(await fail(() => once(bus, 'z', { signal: AbortSignal.abort() })));
       const late = new AbortController(); setTimeout(() => late.abort(), 1);
       seen.push(await fail(() => once(bus, 'z', { signal: late.signal })));
       setTimeout(() => bus.emit('z', 'in time'), 1);
       seen.push(await once(bus, 'z', { signal: new AbortController().signal }));
       setTimeout(() => bus.emit('error', new TypeError('broken')), 1);
       seen.push(await fail(async () => { for await (const args of on(bus, 'x')) seen.push(args); }));
       return [seen, bus.eventNames()];`,
    );
    expect(here).toEqual(there);
  });

  it('node:stream becomes and takes streams of the web', async () => {
    const [here, there] = await inBoth(
      "import { Readable, Writable } from 'node:stream';",
      `const texts = async (from) => { const parts = []; for await (const part of from) parts.push(String(typeof part === 'string' ? part : Buffer.from(part))); return parts; };
       const web = (parts) => new ReadableStream({ start(to) { for (const part of parts) to.enqueue(part); to.close(); } });
       const [kept, taken] = [[], []];
       await web(['a', 'b']).pipeTo(Writable.toWeb(new Writable({ write(part, _, done) { kept.push(String(part)); done(); } })));
       const sink = Writable.fromWeb(new WritableStream({ write: (part) => { taken.push(String(part)); } }));
       await new Promise((resolve) => { sink.on('finish', resolve); sink.write('c'); sink.end('d'); });
       const broken = Readable.toWeb(new Readable({ read() { this.destroy(new RangeError('broken')); } }));
       return [(await texts(Readable.fromWeb(web([new Uint8Array([65]), new Uint8Array([66])])))).join(''), await texts(Readable.toWeb(Readable.from([Buffer.from('x'), Buffer.from('y')]))),
         await new Response(Readable.toWeb(Readable.from([Buffer.from('é')]))).text(), await texts(Readable.fromWeb(new Response('body').body)), kept, taken, await broken.getReader().read().catch((error) => error.message)];`,
    );
    expect(here).toEqual(there);
  });

  it('node:assert/strict compares strictly', async () => {
    const [here, there] = await inBoth(
      "import assert, { equal } from 'node:assert/strict'; import loose from 'node:assert';",
      `const says = (work) => { try { work(); return 'equal'; } catch (error) { return error.code; } };
       return [says(() => assert.equal(1, '1')), says(() => equal(1, '1')), says(() => assert.deepEqual([1], ['1'])), says(() => assert(1)), says(() => loose.equal(1, '1')), typeof assert.strict];`,
    );
    expect(here).toEqual(there);
  });

  it('node:crypto encrypts and decrypts by AES, in pieces', async () => {
    const [here, there] = await inBoth(
      "import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'; import * as crypto from 'node:crypto';",
      `const bytes = (count, first) => Buffer.from(Array.from({ length: count }, (_, at) => (first + at * 7) & 255));
       const seen = []; const fail = (work) => { try { return work(); } catch (error) { return [error.name, error.code, error.message.replace(/^error:[^:]*:/, '')]; } };
       for (const bits of [128, 192, 256]) for (const mode of ['cbc', 'ctr', 'ecb', 'gcm']) for (const count of [0, 1, 15, 16, 17, 100]) {
         const [name, key, iv] = ['aes-' + bits + '-' + mode, bytes(bits / 8, bits), mode === 'ecb' ? null : bytes(mode === 'gcm' ? 12 : 16, 250)];
         const to = createCipheriv(name, key, iv); const parts = [];
         if (mode === 'gcm') to.setAAD(Buffer.from('more'));
         for (let at = 0; at < count; at += 7) parts.push(to.update(bytes(Math.min(7, count - at), at)));
         seen.push(parts.map((part) => part.length).join()); parts.push(to.final());
         const from = createDecipheriv(name, key, iv); if (mode === 'gcm') from.setAAD(Buffer.from('more')).setAuthTag(to.getAuthTag());
         const back = []; for (const part of parts) back.push(from.update(part));
         seen.push(name, Buffer.concat(parts).toString('hex'), mode === 'gcm' ? to.getAuthTag().toString('hex') : '', back.map((part) => part.length).join(), Buffer.concat([...back, from.final()]).toString('hex'));
       }
       const [key, iv] = [bytes(32, 1), bytes(16, 2)];
       const text = crypto.createCipheriv('AES-256-CBC', key, iv); seen.push(text.update('héllo €', 'utf8', 'base64') + text.final('base64'));
       const odd = createCipheriv('aes-256-gcm', key, bytes(20, 3), { authTagLength: 12 }); seen.push(odd.update('x'.repeat(40), 'utf8', 'hex') + odd.final('hex'), odd.getAuthTag().toString('hex'));
       const cut = createCipheriv('aes-128-ctr', bytes(16, 1), bytes(16, 255)); const euro = cut.update('a€b'); const open = createDecipheriv('aes-128-ctr', bytes(16, 1), bytes(16, 255));
       seen.push([open.update(euro.subarray(0, 2), null, 'utf8'), open.update(euro.subarray(2), null, 'utf8'), open.final('utf8')]);
       const raw = createCipheriv('aes-256-cbc', key, iv).setAutoPadding(false); seen.push(raw.update(bytes(32, 0), null, 'hex') + raw.final('hex'));
       seen.push(fail(() => { const bad = createDecipheriv('aes-256-cbc', key, iv); bad.update(bytes(32, 0)); return bad.final(); }).slice(0, 1));
       seen.push(fail(() => { const bad = createDecipheriv('aes-256-gcm', key, iv).setAuthTag(bytes(16, 0)); bad.update('00', 'hex'); return bad.final(); }));
       seen.push(fail(() => createCipheriv('aes-256-cbc', bytes(5, 1), iv)), fail(() => createCipheriv('aes-256-cbc', key, bytes(5, 1))));
       return [seen, createHash('sha512-256').update('a').digest('hex'), createHash('RSA-SHA256').update('a').digest('hex'), createHash('SHA-1').update('a').digest('hex')];`,
    );
    expect(here).toEqual(there);
  });

  it('node:crypto costs nothing more for code that does not encrypt', async () => {
    const bundle = await shop.bundle("import { createHash } from 'crypto'; export default () => createHash('md5');");
    expect(bundle.code).not.toContain('firstlight.ciphers", {');
    expect(bundle.code).not.toMatch(/aes[^\n]{0,40}block/i);
  });
});
