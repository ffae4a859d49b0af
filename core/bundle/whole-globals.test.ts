import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { shimsOf } from './globals.ts';
import { answerIn, inNode } from './testing/answer-in.ts';
import { openWorkshop, type Workshop } from './testing/bundle-and-open.ts';

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(() => shop.close());

const answerOf = (body: string, event?: unknown) => answerIn(shop, body, event);

/** The members of each global: of a class its static ones and those of its prototype, and those of an object made of it. */
const listMembers = `
  const known = ({}).constructor.getOwnPropertyNames(({}).constructor.prototype);
  const keysOf = (object) => {
    const keys = new Set();
    for (let at = object; at !== null && at !== undefined; at = Object.getPrototypeOf(at))
      for (const key of Reflect.ownKeys(at)) if (typeof key === 'string' || Object.values(wellKnown).includes(key)) keys.add(String(key));
    return [...keys].filter((key) => !known.includes(key));
  };
  const wellKnown = Object.fromEntries(Object.getOwnPropertyNames(Symbol).map((name) => [name, Symbol[name]]).filter(([, value]) => typeof value === 'symbol'));
  const make = {
    Event: () => new Event('x'), CustomEvent: () => new CustomEvent('x'), MessageEvent: () => new MessageEvent('message'),
    Request: () => new Request('http://x/'), Response: () => new Response('x'), Headers: () => new Headers(), FormData: () => new FormData(),
    Blob: () => new Blob(['x']), File: () => new File(['x'], 'n'), URL: () => new URL('http://x/'), URLSearchParams: () => new URLSearchParams(),
    TextEncoder: () => new TextEncoder(), TextDecoder: () => new TextDecoder(), AbortController: () => new AbortController(),
    AbortSignal: () => new AbortController().signal, MessageChannel: () => new MessageChannel(), MessagePort: () => new MessageChannel().port1,
    BroadcastChannel: () => { const channel = new BroadcastChannel('q'); channel.close(); return channel; },
    ReadableStream: () => new ReadableStream(), WritableStream: () => new WritableStream(), TransformStream: () => new TransformStream(),
    ReadableStreamDefaultReader: () => new ReadableStream().getReader(), WritableStreamDefaultWriter: () => new WritableStream().getWriter(),
    CompressionStream: () => new CompressionStream('gzip'), DecompressionStream: () => new DecompressionStream('gzip'),
    TextEncoderStream: () => new TextEncoderStream(), TextDecoderStream: () => new TextDecoderStream(),
    PerformanceMark: () => performance.mark('m'), PerformanceMeasure: () => performance.measure('m'), performance: () => performance,
    PerformanceObserver: () => new PerformanceObserver(() => {}), DOMException: () => new DOMException('x'), crypto: () => crypto,
    CryptoKey: () => crypto.subtle.importKey('raw', new Uint8Array(1), { name: 'HMAC', hash: 'SHA-1' }, true, ['sign']), subtle: () => crypto.subtle,
    ...Object.fromEntries(['Object', 'Array', 'Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'Promise', 'Date', 'Error', 'String', 'Number', 'Boolean', 'Symbol', 'BigInt',
      'Math', 'JSON', 'Reflect', 'Proxy', 'ArrayBuffer', 'DataView', 'Uint8Array', 'Function', 'RegExp', 'console'].map((name) => [name, () => globalThis[name]?.prototype ?? globalThis[name]])),
  };
  const members = {};
  for (const [name, one] of Object.entries(make)) {
    const value = name === 'CryptoKey' ? await one() : one();
    members[name] = [Object.prototype.toString.call(value), ...keysOf(value)];
    if (typeof globalThis[name] === 'function') members[name].push(...keysOf(globalThis[name]).map((key) => 'static ' + key));
  }
  return members;`;

/** What Node.js has and the guest has not, on purpose; a call of those of an object is warned of (globals.ts). */
const left: Readonly<Record<string, RegExp>> = {
  RegExp: /^static (?:input|last|left|right|\$)/,
  BigInt: /^toLocaleString$/,
  console: /^(?:_|Console$|context$|createTask$)/,
  performance:
    /^(?:eventLoopUtilization|nodeTiming|markResourceTiming|timerify|onresourcetimingbufferfull|\w+EventListener|dispatchEvent)$/,
  URL: /^static (?:create|revoke)ObjectURL$/,
  // A MessageEvent says what it is, as in browsers.
  MessageEvent: /^\[object Event\]$/,
  MessagePort: /^(?:static defaultMaxListeners|[sg]etMaxListeners|eventNames|listenerCount|emit|removeAllListeners)$/,
  Request: /^attribute$/,
};

/** The list of members is that of one release: other ones add to it. */
const other = process.version.startsWith('v20.') ? '' : ` (skipped: this is Node.js ${process.version})`;

describe('the globals that are there', () => {
  it.skipIf(other !== '')(`have all members that they have in Node.js 20${other}`, async () => {
    const body = `const used = [${[...shimsOf.keys()].join(', ')}]; ${listMembers}`;
    const [here, there] = [await answerOf(body), await inNode(listMembers)] as Record<string, string[]>[];
    const lacking = Object.entries(there ?? {}).flatMap(([name, keys]) =>
      keys
        .filter((key) => !here?.[name]?.includes(key) && !left[name]?.test(key))
        // Node's own.
        .filter((key) => !/^(?:static )?(?:_|arguments$|caller$|constructor$)/.test(key))
        .map((key) => `${name}: ${key}`),
    );
    expect(lacking).toEqual([]);
  });

  it('observe marks and measures', async () => {
    const body = `
      const failed = (act) => { try { act(); return null; } catch (error) { return error.name; } };
      const later = () => new Promise((resolve) => setTimeout(resolve, 5));
      const told = []; const tell = (list, of) => told.push([of === all, list.getEntries().map((e) => [e.name, e.entryType]), list.getEntriesByName('a', 'mark').length, list.getEntriesByType('measure').length]);
      performance.clearMarks(); performance.clearMeasures(); performance.mark('before');
      const all = new PerformanceObserver(tell); all.observe({ entryTypes: ['mark', 'measure', 'nothing'] });
      performance.mark('a'); performance.measure('m', 'a'); await later();
      performance.mark('b'); const taken = all.takeRecords().map((e) => e.name); await later();
      const seen = []; const one = new PerformanceObserver((list) => seen.push(...list.getEntries().map((e) => e.name)));
      one.observe({ type: 'mark', buffered: true }); await later();
      one.observe({ type: 'measure' }); performance.measure('n'); performance.mark('c'); await later();
      all.disconnect(); one.disconnect(); performance.mark('d'); await later();
      const types = PerformanceObserver.supportedEntryTypes;
      return [told.filter(([, entries]) => entries.length > 0), taken, seen, Object.isFrozen(types), types.includes('mark'), types.includes('measure'),
        failed(() => new PerformanceObserver()), failed(() => new PerformanceObserverEntryList()), failed(() => all.observe()), failed(() => all.observe({})), failed(() => all.observe({ entryTypes: 'mark' })),
        failed(() => { one.observe({ type: 'mark' }); one.observe({ entryTypes: ['mark'] }); }), String(all), String(performance), performance instanceof Performance];`;
    expect(await answerOf(body)).toEqual(await inNode(body));
  });

  it('observe the next invocation too, when one ended before its entries were told', async () => {
    const { call } = await shop.open(`
      const told: string[] = [];
      new PerformanceObserver((list) => told.push(...list.getEntries().map(({ name }) => name))).observe({ type: 'mark' });
      performance.mark('of the build');
      export default async ({ name, wait }: any) => { performance.mark(name); if (wait) await new Promise((resolve) => setTimeout(resolve, 5)); return told; };`);
    await call({ name: 'first' });
    expect((await call({ name: 'second', wait: true })).body).toContain('second');
  });

  it('carry messages to listeners of both kinds', async () => {
    const body = `
      const { port1, port2 } = new MessageChannel(); const got = []; const gone = () => got.push('gone');
      port2.on('message', (m) => got.push(['on', m])).once('message', (m) => got.push(['once', m])).on('message', gone).off('message', gone);
      port1.postMessage(1); port1.postMessage({ a: 2 });
      await new Promise((resolve) => setTimeout(resolve, 20)); port1.close();
      const sent = new MessageEvent('message', { data: 1, origin: 'o', lastEventId: 'l' });
      return [got, sent.origin, sent.lastEventId, sent.source, new MessageEvent('x').origin, String(new CustomEvent('x'))];`;
    expect(await answerOf(body)).toEqual(await inNode(body));
  });

  it('broadcast until they are closed', async () => {
    const body = `
      const failed = (act) => { try { act(); return null; } catch (error) { return error.name; } };
      const [one, two, three] = ['a', 'a', 'b'].map((name) => new BroadcastChannel(name)); const got = [];
      for (const channel of [one, two, three]) channel.onmessage = (event) => { got.push([channel.name, event.data]); };
      one.postMessage({ a: 1 }); await new Promise((resolve) => setTimeout(resolve, 20));
      one.postMessage('late'); two.close(); await new Promise((resolve) => setTimeout(resolve, 20));
      one.close(); three.close();
      return [got, failed(() => new BroadcastChannel()), failed(() => three.postMessage()), failed(() => three.postMessage(1))];`;
    expect(await answerOf(body)).toEqual(await inNode(body));
  });

  it('keep what a request was given', async () => {
    const body = `
      const names = ['destination', 'referrer', 'mode', 'credentials', 'cache', 'redirect', 'integrity', 'keepalive', 'duplex'];
      const read = (request) => names.map((name) => request[name]);
      const given = new Request('http://x/', { redirect: 'manual', cache: 'no-store', credentials: 'omit', keepalive: true });
      return [read(new Request('http://x/')), read(given), read(new Request(given, { redirect: 'error' })), read(given.clone())];`;
    expect(await answerOf(body)).toEqual(await inNode(body));
  });
});
