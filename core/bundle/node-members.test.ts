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
});
